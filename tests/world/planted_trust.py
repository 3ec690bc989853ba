"""What is planted into ratings, reviews and what operators did alone; and what there is of them."""

GROUND = """
insert into accounts.user (cell, id, role, created_at)
select 0, uid(who), 'buyer', '2020-02-20Z' from unnest(array['buyer', 'gus']) as who;
insert into accounts.guest_link values (0, uid('basket'), uid('buyer'), 'x', '2020-02-29Z');
insert into approvals.done_alone
select uid('alone' || n), uid('ann'), 'top_up', 'USD', 40, 100, '2020-02-29Z'::timestamptz + n * interval '13 hours'
  from generate_series(1, 4) as n;
insert into reviews.review (cell, id, order_id, line_no, buyer_id, seller_id, product_id, market, language, stars,
                            seller_stars, text, written_at, hidden_at, counted, counted_seller)
values (0, uid('good'), uid('completed'), 1, uid('buyer'), uid('seller'), 1, 'us', 'en', 5, 4, '', '2020-02-29 20:00Z',
        null, 5, 4),
       (0, uid('hid'), uid('completed'), 2, uid('buyer'), uid('seller'), 1, 'us', 'en', 1, 1, '', '2020-02-29 20:00Z',
        '2020-02-29 21:00Z', null, null);
insert into reviews.product_rating values (0, 1, 0, 0, 0, 0, 1);
insert into reviews.seller_rating values (0, uid('seller'), 0, 0, 0, 1, 0);
"""
TRUST = {
    "guest who paid from a wallet": (
        "insert into accounts.guest select 0, uid('buyer'), 'g@example.org'",
        [f"guests: payments.payment [{name}]" for name in ("basket", "canceled", "done", "trip", "rate")],
    ),
    "link of another's purchase": (
        "update accounts.guest_link set user_id = uid('gus')",
        ["guests: accounts.guest_link [basket]"],
    ),
    "more done alone than one may": (
        "update approvals.done_alone set at = at - interval '12 hours' where id = uid('alone4')",
        ["done_alone: approvals.done_alone [alone4]"],
    ),
    "review counted twice": (
        "update reviews.product_rating set n5 = 2",
        ["product_rating: reviews.product_rating 1"],
    ),
    "hidden review counted for its seller": (
        "update reviews.review set counted_seller = 1 where id = uid('hid')",
        ["seller_rating: reviews.seller_rating [seller]"],
    ),
    "review of what was not delivered": (
        "update reviews.review set order_id = uid('paid') where id = uid('good')",
        ["reviewed: reviews.review [good]"],
    ),
    "review of another's order": (
        "update reviews.review set buyer_id = uid('seller') where id = uid('good')",
        ["reviewed: reviews.review [good]"],
    ),
}
