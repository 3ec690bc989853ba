"""What is wrong in the small world, once for every way in which it can be, and what the auditor must say to it."""

from tests.world.planted_borders import BORDERS
from tests.world.planted_campaigns import CAMPAIGNS
from tests.world.planted_credit import CREDIT
from tests.world.planted_fees import FEES
from tests.world.planted_metering import METERING
from tests.world.planted_parts import PARTS
from tests.world.planted_payouts import PAYOUTS
from tests.world.planted_quotas import QUOTAS
from tests.world.planted_trust import TRUST
from tests.world.planted_webhooks import WEBHOOKS

# What is planted (in SQL), and the findings that must follow, no more and no fewer: "check: row".
PLANTED = {
    **FEES,
    **METERING,
    **PARTS,
    **PAYOUTS,
    **BORDERS,
    **CAMPAIGNS,
    **CREDIT,
    **QUOTAS,
    **TRUST,
    **WEBHOOKS,
    "balance with more of both": (
        "update ledger.balance set debits = debits + 5, credits = credits + 5 where account_id = acc('wallet')",
        ["balance: ledger.balance account {wallet}"],
    ),
    "balance with more credit": (
        "update ledger.balance set credits = credits + 5 where account_id = acc('wallet')",
        ["balance: ledger.balance account {wallet}", "trial_balance: currency USD"],
    ),
    "stripe lost": (
        "delete from ledger.balance where account_id = acc('commission')",
        ["balance: ledger.balance account {commission}", "trial_balance: currency USD"],
    ),
    "second row of an account without stripes": (
        "insert into ledger.balance values (0, acc('wallet'), 7, false)",
        ["balance_rows: ledger.balance account {wallet}"],
    ),
    "row 0 of a striped account": (
        "insert into ledger.balance values (0, acc('escrow'), 0, false)",
        ["balance_rows: ledger.balance account {escrow}"],
    ),
    "limit forgotten": (
        "update ledger.balance set limited = false where account_id = acc('wallet')",
        ["balance_rows: ledger.balance account {wallet}"],
    ),
    "orphan balance": (
        (
            "alter table ledger.balance drop constraint if exists balance_cell_account_id_fkey;"
            "insert into ledger.balance values (0, 999, 0, false)"
        ),
        ["balance_rows: ledger.balance account 999"],
    ),
    "wallet below zero": (
        """alter table ledger.balance drop constraint if exists balance_within_limit;
           select unpost(uid('top-up'), 'top_up')""",
        ["limit: ledger.balance account {wallet}"],
    ),
    "less held than its holds hold": (
        "update ledger.balance set held = 6 where account_id = acc('seller')",
        ["balance: ledger.balance account {seller}"],
    ),
    "more held than there is": (
        """alter table ledger.balance drop constraint if exists balance_within_limit;
           update ledger.hold set debit = acc('wallet'), amount = 1e9 where cause_id = uid('asked');
           update ledger.balance set held = case when limited then 1e9 else 0 end""",
        ["limit: ledger.balance account {wallet}", "payout: payments.payout [asked]"],
    ),
    "hold settled with more": (
        "update ledger.hold set amount = 599 where cause_id = uid('payout')",
        ["hold: ledger.hold [payout] payout"],
    ),
    "hold settled from another account": (
        "update ledger.hold set debit = acc('wallet') where cause_id = uid('payout')",
        ["hold: ledger.hold [payout] payout"],
    ),
    "hold settled by nothing": (
        "update ledger.hold set status = 'settled' where cause_id = uid('dropped')",
        ["hold: ledger.hold [dropped] payout", "payout: payments.payout [dropped]"],
    ),
    "hold voided and settled": (
        "update ledger.hold set status = 'voided' where cause_id = uid('payout')",
        ["hold: ledger.hold [payout] payout", "payout: payments.payout [payout]"],
    ),
    "transfer dated into a closed day": (
        "update ledger.transfer set at = '2020-02-01 23:59:59Z' where code = 'top_up'",
        [
            "closed_day: ledger.closed_day 2020-02-01",
            "closed_day: ledger.day_total 2020-02-01 USD cash",
            "closed_day: ledger.day_total 2020-02-01 USD wallet",
        ],
    ),
    "transfer before a closed day": (
        "update ledger.transfer set at = '2020-01-31 23:59:59Z' where code = 'top_up'",
        [
            "closed_day: ledger.day_total 2020-02-01 USD cash",
            "closed_day: ledger.day_total 2020-02-01 USD wallet",
        ],
    ),
    "trial balance of a closed day": (
        "insert into ledger.day_total values (0, '2020-02-01', 'USD', 'cash', 1, 1, 0)",
        ["closed_day: ledger.day_total 2020-02-01 USD cash"],
    ),
    "account of another currency": (
        "update ledger.account set currency = 'EUR' where code = 'cash'",
        [
            "trial_balance: currency EUR",
            "trial_balance: currency USD",
            "transfer_currency: ledger.transfer [top-up] top_up",
        ],
    ),
    "transfer from an account that is not there": (
        (
            "alter table ledger.transfer drop constraint if exists transfer_cell_debit_fkey;"
            "update ledger.transfer set debit = 999 where code = 'top_up'"
        ),
        [
            "balance: ledger.balance account 999",
            "balance: ledger.balance account {cash}",
            "transfer_currency: ledger.transfer [top-up] top_up",
        ],
    ),
    "transfer to the wrong account": (
        "select repost(uid('receipt'), 'purchase', 'own_stock', 'cash', 4000)",
        ["transfer_way: ledger.transfer [receipt] purchase"],
    ),
    "transfer of a code nobody knows": (
        "select post(uid('gift'), 'gift', 'cash', 'wallet', 1)",
        ["transfer_way: ledger.transfer [gift] gift"],
    ),
    "money of another seller": (
        "update ledger.account set owner = uid('other') where code = 'seller'",
        [
            "payout: payments.payout [asked]",
            "payout: payments.payout [back]",
            "payout: payments.payout [dropped]",
            "payout: payments.payout [payout]",
            "charge: fees.charge [deposit]",
            "charge: fees.charge [monthly_fee]",
            "charge: fees.charge [opening_fee]",
            "credit_note: invoices.invoice [credit]",
            "usage_bill: metering.bill [use]",
            "invoice_month: invoices [other] USD 2020-02-01",
            "transfer_party: ledger.transfer [completed] commission",
            "transfer_party: ledger.transfer [completed] payment_fee",
            "transfer_party: ledger.transfer [completed] release",
            "transfer_party: ledger.transfer [gone] part_commission",
            "transfer_party: ledger.transfer [gone] commission_back",
            "transfer_party: ledger.transfer [gone] recall",
            "transfer_party: ledger.transfer [kept] recall",
            "transfer_party: ledger.transfer [gone] part_release",
            "write_off: payments.write_off [loss]",
        ],
    ),
    "gateway payment refunded to the wallet": (
        "select repost(uid('refunded'), 'refund', 'escrow', 'wallet', 1025)",
        ["transfer_party: ledger.transfer [refunded] refund"],
    ),
    "transfer of no order": (
        "select post(uid('ghost'), 'fund', 'promotions', 'escrow', 9)",
        ["escrow_balance: ledger.account escrow USD", "transfer_party: ledger.transfer [ghost] fund"],
    ),
    "order never paid": (
        "select unpost(uid('paid'), 'pay')",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [paid]"],
    ),
    "duties left in escrow": (
        "select unpost(uid('shipped'), 'duties')",
        [
            "duties: orders.order [shipped]",
            "duties_balance: ledger.account duties USD",
            "escrow_balance: ledger.account escrow USD",
        ],
    ),
    "duties that its buyer was not told": (
        "update orders.border set incoterm = 'DAP'",
        ["duties: orders.order [shipped]"],
    ),
    "duties of a part that it does not have": (
        "update orders.part set duties_minor = 3 where id = uid('frozen')",
        ["part_duties: orders.order [delivered]", "part_money: orders.part [frozen]"],
    ),
    "order paid too much": (
        "select repost(uid('delivered'), 'pay', 'gateway', 'escrow', 1026)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [delivered]"],
    ),
    "operator discount not funded": (
        "select unpost(uid('delivered'), 'fund')",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [delivered]"],
    ),
    "payment of an order that awaits it": (
        "select post(uid('awaiting'), 'pay', 'gateway', 'escrow', 5)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [awaiting]"],
    ),
    "payment of an expired order": (
        "select post(uid('expired'), 'fund', 'promotions', 'escrow', 70)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [expired]"],
    ),
    "own order not released": (
        "select unpost(uid('own'), 'release')",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [own]"],
    ),
    "order released too early": (
        "select post(uid('delivered'), 'release', 'escrow', 'seller', 1095)",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [delivered]"],
    ),
    "canceled order not unfunded": (
        "select unpost(uid('canceled'), 'unfund')",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [canceled]"],
    ),
    "refunded short": (
        "select repost(uid('refunded'), 'refund', 'escrow', 'gateway', 1000)",
        [
            "escrow_balance: ledger.account escrow USD",
            "escrow_out: orders.order [refunded]",
            "refund: payments.refund of [refunded]",
        ],
    ),
    "commission not taken": (
        "select unpost(uid('completed'), 'commission')",
        ["seller_fees: orders.order [completed]", "invoice_month: invoices [seller] USD 2020-02-01"],
    ),
    "payment fee of an order that is not released": (
        "select post(uid('delivered'), 'payment_fee', 'seller', 'payment_fee', 20)",
        ["seller_fees: orders.order [delivered]", "invoice_month: invoices [seller] USD 2020-02-01"],
    ),
    "cost of goods not booked": (
        "select unpost(uid('own'), 'cogs')",
        ["purchase_cost: ledger.transfer [own] cogs"],
    ),
    "purchase booked for less than its receipt": (
        "select repost(uid('receipt'), 'purchase', 'own_stock', 'supplier', 3999)",
        ["purchase_cost: ledger.transfer [receipt] purchase"],
    ),
    "purchase booked in another currency than the goods have": (
        "update inventory.stock set currency = 'EUR' where currency = 'USD'",
        [
            "purchase_cost: ledger.transfer [own] cogs",
            "purchase_cost: ledger.transfer [receipt] purchase",
            "purchase_cost: ledger.transfer [missing] shrinkage",
        ],
    ),
    "goods that went missing and stayed in the books": (
        "select unpost(uid('missing'), 'shrinkage')",
        ["purchase_cost: ledger.transfer [missing] shrinkage"],
    ),
    "count corrected without a reason": (
        "select move('adjust', 2, 1, uid('count'))",
        ["adjustment: inventory.adjustment [count]"],
    ),
    "refund deleted": (
        (
            "delete from payments.refund where order_id = uid('canceled');"
            "update payments.payment set refunded_minor = 0 where id = uid('canceled')"
        ),
        ["refund: payments.refund of [canceled]"],
    ),
    "refund credited and not paid": (
        "select unpost(uid('r2'), 'refund_credit')",
        ["refund_credit: payments.refund [r2]"],
    ),
    "refund credited short": (
        "select repost(uid('r2'), 'refund_credit', 'gateway', 'wallet', 1024)",
        ["refund_credit: payments.refund [r2]"],
    ),
    "refund made by the gateway and credited too": (
        "update payments.refund set status = 'done' where id = uid('r2')",
        ["refund_credit: payments.refund [r2]"],
    ),
    "refund of another's payment": (
        "update payments.payment set buyer_id = uid('other') where id = uid('refunded')",
        ["payment_group: payments.payment [refunded]", "refund_credit: payments.refund [r2]"],
    ),
    "payment that forgot its refund": (
        "update payments.payment set refunded_minor = 0 where id = uid('refunded')",
        ["payment_refunded: payments.payment [refunded]"],
    ),
    "stock row with one more": (
        "update inventory.stock set on_hand = on_hand + 1 where id = 2",
        ["stock: inventory.stock 2"],
    ),
    "purchase cost of stock changed": (
        "update inventory.stock set cost_minor = cost_minor - 1 where id = 3",
        ["stock: inventory.stock 3"],
    ),
    "stock row deleted": (
        (
            "alter table inventory.movement drop constraint if exists movement_cell_stock_id_fkey;"
            "delete from inventory.stock where id = 1"
        ),
        ["stock: inventory.stock 1", "stock_promised: inventory.stock 1"],
    ),
    "oversold": (
        (
            "alter table inventory.stock drop constraint if exists stock_not_oversold;"
            "update inventory.movement set on_hand_delta = 10 where kind = 'receive' and stock_id = 2;"
            "update inventory.stock set on_hand = on_hand - 90 where id = 2"
        ),
        ["stock_limit: inventory.stock 2"],
    ),
    "allocated without an order line": (
        "select move('allocate', 1, 1, uid('paid'))",
        ["order_movements: orders.order [paid] stock 1", "stock_promised: inventory.stock 1"],
    ),
    "held for an order that expired": (
        "select move('hold', 2, 3, uid('expired'))",
        ["order_movements: orders.order [expired] stock 2", "stock_promised: inventory.stock 2"],
    ),
    "shipped one too many": (
        "select move('allocate', 1, 1, uid('completed')), move('ship', 1, 1, uid('completed'))",
        ["order_movements: orders.order [completed] stock 1"],
    ),
    "came back twice": (
        "select move('return', 2, 2, uid('gone'))",
        ["returned: orders.part [gone] stock 2"],
    ),
    "came back of what is disputed": (
        (
            "update orders.part_line set restocked = 1 where part_id = uid('frozen');"
            "select move('return', 1, 1, uid('frozen'))"
        ),
        ["returned: orders.part [frozen] stock 1"],
    ),
    "movement of no order": (
        (
            "select move('allocate', 4, 1, uid('ghost')), move('give_back', 4, 1, uid('ghost')),"
            "       move('return', 4, 1, uid('ghost'))"
        ),
        ["order_movements: orders.order [ghost] stock 4", "returned: orders.part [ghost] stock 4"],
    ),
    "movement of the wrong kind": (
        "update inventory.movement set kind = 'allocate' where cause_id = uid('awaiting') and stock_id = 1",
        ["movement: inventory.movement {held}"],
    ),
    "group with another amount": (
        (
            "update orders.order_group set paid_minor = paid_minor + 1 where id = uid('basket');"
            "update payments.payment set amount_minor = amount_minor + 1 where id = uid('basket')"
        ),
        ["group_paid: orders.order_group [basket]"],
    ),
    "group without orders": (
        (
            "insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, placed_at)"
            " values (0, uid('empty'), uid('buyer'), 'us', 'USD', 0, 'expired', '2020-02-20Z')"
        ),
        ["group_paid: orders.order_group [empty]"],
    ),
    "order in another cell that its group forgot": (
        """insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market,
                                     currency, status, items_minor, shipping_minor, seller_discount_minor,
                                     operator_discount_minor, paid_minor, commission_minor, payment_fee_minor,
                                     placed_at)
           select 1, uid('far'), 0, group_id, buyer_id, seller_id, own, location_id, market, currency, status, 7, 0, 0,
                  0, 7, 0, 0, placed_at
             from orders.order where id = uid('paid')""",
        ["away_order: orders.away_order [far]", "group_paid: orders.order_group [basket]"],
    ),
    "order in another cell that cannot be found": (
        "delete from orders.away_order",
        [
            "away_order: orders.away_order [abroad]",
            "transfer_party: ledger.transfer [abroad] pay",
        ],
    ),
    "order looked for in a cell that its group does not know": (
        "update orders.order_group set other_cells = '{2}' where id = uid('trip')",
        ["away_order: orders.away_order [abroad]"],
    ),
    "order paid for in its seller's cell only": (
        "select repost(uid('abroad'), 'pay', 'wallet', 'gateway', 500)",
        [
            "between_sum: currency USD",
            "transfer_party: ledger.transfer [abroad] pay",
            "transfer_way: ledger.transfer [abroad] pay",
        ],
    ),
    "less came than went": (
        """update ledger.transfer set amount = 499 where cell = 1;
           update ledger.balance set debits = least(debits, 499), credits = least(credits, 499) where cell = 1""",
        ["between_cells: ledger.transfer [abroad] pay", "between_sum: currency USD"],
    ),
    "came under another name": (
        "update ledger.transfer set code = 'refund' where cell = 1",
        ["between_cells: ledger.transfer [abroad] pay"],
    ),
    "order of another buyer": (
        "update orders.order set buyer_id = uid('other') where id = uid('delivered')",
        ["order_group: orders.order [delivered]"],
    ),
    "order without group": (
        "update orders.order set group_id = uid('none') where id = uid('awaiting')",
        [
            "group_paid: orders.order_group [awaiting]",
            "group_status: orders.order [awaiting]",
            "order_group: orders.order [awaiting]",
        ],
    ),
    "expired order of a group that still waits": (
        "update orders.order_group set status = 'awaiting_payment' where id = uid('expired')",
        ["group_status: orders.order [expired]"],
    ),
    "payment deleted": (
        "delete from payments.payment where id = uid('delivered')",
        ["group_payment: orders.order_group [delivered]"],
    ),
    "payment captured for less": (
        "update payments.payment set amount_minor = 1024 where id = uid('delivered')",
        ["group_payment: orders.order_group [delivered]"],
    ),
    "payment captured of an expired group": (
        "update payments.payment set status = 'captured', captured_at = created_at where id = uid('expired')",
        ["group_payment: orders.order_group [expired]"],
    ),
    "payment of another buyer": (
        "update payments.payment set buyer_id = uid('other') where id = uid('basket')",
        ["payment_group: payments.payment [basket]"],
    ),
    "payment captured at no time": (
        "update payments.payment set captured_at = null where id = uid('done')",
        ["payment_group: payments.payment [done]"],
    ),
    "payment without group": (
        (
            "insert into payments.payment"
            " (cell, id, group_id, buyer_id, method, currency, amount_minor, status, created_at)"
            " values (0, uid('lone'), uid('none'), uid('buyer'), 'wallet', 'USD', 5, 'failed', '2020-02-20Z')"
        ),
        ["payment_group: payments.payment [lone]"],
    ),
    "paid against the formula": (
        (
            "alter table orders.order drop constraint if exists order_check;"
            "update orders.order set shipping_minor = 51 where id = uid('awaiting');"
            "update orders.order_line set shipping_minor = 41 where order_id = uid('awaiting') and line_no = 1"
        ),
        ["paid_formula: orders.order [awaiting]"],
    ),
    "line with another commission": (
        "update orders.order_line set commission_minor = 99 where order_id = uid('paid') and line_no = 1",
        ["fee_rule: orders.order_line [paid] line 1", "order_lines: orders.order [paid]"],
    ),
    "line of another gross and price": (
        """update orders.order_line set gross_minor = 1001, rounding_minor = 1
            where order_id = uid('paid') and line_no = 1""",
        ["order_lines: orders.order [paid]"],
    ),
    "discount of another party": (
        "update orders.discount_line set funding_party = 'operator' where order_id = uid('own') and line_no = 2",
        ["order_discounts: orders.order [own]"],
    ),
    "line with another discount": (
        "update orders.order_line set discount_minor = 69 where order_id = uid('own') and line_no = 1",
        ["line_discount: orders.order_line [own] 1"],
    ),
    "line with another price": (
        "update orders.order_line set unit_price_minor = 501 where order_id = uid('shipped') and line_no = 1",
        ["line_gross: orders.order_line [shipped] 1"],
    ),
    "line rounded without a reason": (
        "update orders.order_line set rounding_minor = 2 where order_id = uid('shipped') and line_no = 2",
        ["line_gross: orders.order_line [shipped] 2"],
    ),
    "shipped without a release timer": (
        "update orders.order set release_due_at = null where id = uid('shipped')",
        ["order_times: orders.order [shipped]"],
    ),
    "delivered before it was shipped": (
        "update orders.order set delivered_at = '2020-02-21Z' where id = uid('delivered')",
        ["order_times: orders.order [delivered]"],
    ),
    "canceled at no time": (
        "update orders.order set ended_at = null where id = uid('canceled')",
        ["order_times: orders.order [canceled]"],
    ),
    "paid order that logistics never heard of": (
        "delete from logistics.fulfillment_order where id = uid('paid')",
        ["fulfillment: orders.order [paid]"],
    ),
    "canceled order still to be shipped": (
        "update logistics.fulfillment_order set status = 'open' where id = uid('canceled')",
        ["fulfillment: orders.order [canceled]"],
    ),
    "fulfillment order of an order that is not paid": (
        (
            "insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)"
            " values (0, uid('awaiting'), uid('seller'), 1, 'open', '2020-02-20Z')"
        ),
        ["fulfillment: orders.order [awaiting]"],
    ),
    "fulfillment order at another place": (
        "update logistics.fulfillment_order set location_id = 2 where id = uid('completed')",
        ["fulfillment: orders.order [completed]"],
    ),
    "fulfillment order of no order": (
        (
            "insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)"
            " values (0, uid('ghost'), uid('seller'), 1, 'open', '2020-02-20Z')"
        ),
        ["fulfillment: orders.order [ghost]"],
    ),
    "shipped without a shipment": (
        "delete from logistics.shipment where fulfillment_order_id = uid('shipped')",
        ["shipment: orders.order [shipped]"],
    ),
    "delivered order of a parcel on its way": (
        (
            "update logistics.shipment set status = 'in_transit', delivered_at = null"
            " where fulfillment_order_id = uid('delivered')"
        ),
        ["shipment: orders.order [delivered]"],
    ),
    "parcel of a delivered and completed order on its way": (
        (
            "update logistics.shipment set status = 'in_transit', delivered_at = null"
            " where fulfillment_order_id = uid('completed')"
        ),
        ["shipment: orders.order [completed]"],
    ),
    "delivery that orders never heard of": (
        (
            "update logistics.shipment set status = 'delivered', delivered_at = '2020-03-01 10:00Z'"
            " where fulfillment_order_id = uid('shipped')"
        ),
        ["shipment: orders.order [shipped]"],
    ),
    "parcel of a canceled order": (
        (
            "insert into logistics.shipment"
            " (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at)"
            " values (0, uid('p'), uid('canceled'), 'post', 'p', 'in_transit', '2020-02-28Z')"
        ),
        ["shipment: orders.order [canceled]"],
    ),
    "component of a bundle lost": (
        "update orders.order_line set bundle_no = 0 where order_id = uid('delivered') and line_no = 2",
        ["order_bundle: orders.order [delivered] bundle 0", "order_bundle: orders.order [delivered] bundle 1"],
    ),
    "other goods in a bundle": (
        "update orders.order_line set variant_id = 1 where order_id = uid('delivered') and line_no = 2",
        ["order_bundle: orders.order [delivered] bundle 1"],
    ),
    "bundle out of proportion": (
        """update orders.order_line set price_per = 1, unit_price_minor = 500
            where order_id = uid('delivered') and line_no = 1""",
        ["order_bundle: orders.order [delivered] bundle 1"],
    ),
    "bundle at another price": (
        """update orders.order_line set unit_price_minor = 51, rounding_minor = -1
            where order_id = uid('delivered') and line_no = 2""",
        ["order_bundle: orders.order [delivered] bundle 1"],
    ),
    "hold past its deadline": (
        "update orders.order_group set pay_by = '2020-03-01 10:00Z' where id = uid('awaiting')",
        ["hold_overdue: orders.order_group [awaiting]"],
    ),
    "hold without a deadline": (
        "update orders.order_group set pay_by = null where id = uid('awaiting')",
        ["hold_overdue: orders.order_group [awaiting]"],
    ),
    "release past its time": (
        "update orders.order set release_due_at = '2020-03-01 10:00Z' where id = uid('shipped')",
        ["release_overdue: orders.order [shipped]"],
    ),
}
