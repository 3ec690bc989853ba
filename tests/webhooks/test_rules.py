"""What is told of events, and what never is; when a message or an endpoint is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from entrepot.kit.events import Event
from entrepot.kit.ids import NIL
from entrepot.kit.strangers import open_strangers
from entrepot.webhooks import rules
from entrepot.webhooks.calls import post
from entrepot.webhooks.rules import told

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER, SELLER, BUYER, THING = (UUID(int=n) for n in (1, 2, 3, 4))


def event(kind: str, key: UUID, data: dict[str, Any]) -> Event:
    return Event(1, 1, kind, 1, key, AT, data)


def shown(prefix: str, id_: UUID) -> str:
    return f"{prefix}_{id_.hex}"


def test_everything_is_told_to_its_seller_and_nothing_of_its_buyer() -> None:
    """Each kind of event with the data that docs/reference/events.md gives it."""
    order, who = str(ORDER), {"seller_id": str(SELLER), "buyer_id": str(BUYER)}
    dispute = {"order_id": order, **who, "status": "opened", "due_at": AT.isoformat(), "granted_minor": None}
    charged = {"chargeback_id": str(NIL), "amount_minor": 95, "currency": "USD", "liable": "seller"}
    payout = {"payout_id": str(THING), "currency": "USD", "amount_minor": 95}
    given: dict[str, tuple[UUID, dict[str, Any]]] = {
        "group_": (THING, {"buyer_id": str(BUYER), "orders": [order]}),
        "order_": (ORDER, {**who, "part_id": str(THING), "kind": "refunded"}),
        "dispute_": (THING, dispute), "payout_": (SELLER, payout),
        "goods_": (SELLER, {"receipt_id": str(THING), "stock_ids": [1, 2]}),
        "stock_": (SELLER, {"adjustment_id": str(THING), "stock_id": 7}),
        "fee_": (SELLER, {"invoice_id": str(THING)}),
        "usage_": (SELLER, {"bill_id": str(THING), "month": "2026-02-01"}),
        "order_charged_back": (THING, {"order_id": order, "seller_id": str(SELLER), **charged}),
        "order_charge_decided": (THING, {"order_id": order, "seller_id": str(SELLER), **charged, "lost_minor": 7}),
        "review_": (THING, {"order_id": order, "seller_id": str(SELLER)}),
    }  # fmt: skip
    for kind, type_ in rules.TYPES.items():
        key, data = given.get(kind) or given[kind.partition("_")[0] + "_"]
        (one,) = told(event(kind, key, data), {ORDER: SELLER})
        assert (one.type, one.seller_id, one.at) == (type_, SELLER, AT)
        assert BUYER.hex not in rules.body(one.id, one.type, one.at, one.facts)
        assert (one.order_id is None) == (not type_.startswith("order."))
        assert one.id == told(event(kind, key, data), {ORDER: SELLER})[0].id
    (one,) = told(event("dispute_opened", THING, dispute), {})
    assert (one.subject_id, one.facts) == (THING, {
        "dispute_id": shown("dsp", THING), "order_id": shown("ord", ORDER), "status": "opened",
        "due_at": AT.isoformat(), "granted_minor": None,
    })  # fmt: skip
    (one,) = told(event("payout_sent", SELLER, payout), {})
    assert (one.subject_id, one.facts) == (
        THING, {"payout_id": shown("pay", THING), "currency": "USD", "amount_minor": 95},
    )  # fmt: skip
    decided = event("order_charge_decided", *given["order_charge_decided"])
    (one,) = told(decided, {})
    assert (one.subject_id, one.facts, rules.orders_of(decided)) == (
        THING, {"chargeback_id": shown("cbk", NIL), "share_id": shown("cbs", THING), "order_id": shown("ord", ORDER),
                "amount_minor": 95, "currency": "USD", "liable": "seller", "lost_minor": 7}, [],
    )  # fmt: skip
    (one,) = told(event("usage_billed", *given["usage_"]), {})
    assert (one.subject_id, one.facts) == (THING, {"bill_id": shown("ubl", THING), "month": "2026-02-01"})
    (one,) = told(event("order_part_ended", ORDER, given["order_"][1]), {ORDER: SELLER})
    assert one.facts == {"part_id": shown("prt", THING), "kind": "refunded"}


def test_a_purchase_is_told_to_each_of_its_sellers() -> None:
    paid = event("group_paid", THING, {"buyer_id": str(BUYER), "orders": [str(ORDER), str(NIL)]})
    mine, theirs = told(paid, {ORDER: SELLER, NIL: BUYER})
    assert (mine.seller_id, mine.subject_id, theirs.seller_id, theirs.subject_id) == (SELLER, ORDER, BUYER, NIL)
    assert mine.id != theirs.id
    assert told(event("group_paid", THING, {"buyer_id": str(BUYER), "orders": []}), {}) == []


def test_pauses_grow_and_end() -> None:
    pauses = [rules.pause(n, is_endpoint_failing=False) for n in range(1, 11)]
    assert pauses == [*rules.PAUSES, None]
    assert sum(rules.PAUSES, timedelta()) > rules.GIVEN_UP  # while it waits its endpoint is given up, not the message
    assert rules.pause(99, is_endpoint_failing=True) == timedelta(days=1)
    assert [rules.rest(n) for n in (1, 2, 3, 4, 99)] == [
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=1),
    ]  # fmt: skip


async def test_a_name_that_cannot_be_one_is_nobody() -> None:
    """Whatever an address is made of, its call ends in a word: a fault would be called again every minute for ever."""
    async with open_strangers(private=False) as client:
        for url in ("https://xn--/", "https://a..b/", f"https://{'a' * 70}.example/", "https://[v1.x]/", "https://*/"):
            assert await post(client, url, {}, "{}") == "no_answer"
