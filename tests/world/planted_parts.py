"""What is planted into parts of orders and into disputes."""

PARTS = {
    "part of another amount": (
        "update orders.part set paid_minor = 486 where id = uid('frozen')",
        [
            "dispute: disputes.dispute [frozen]",
            "part_sum: orders.part [frozen]",
        ],
    ),
    "units in two parts": (
        "update orders.part_line set quantity = 4 where part_id = uid('gone')",
        ["part_shares: orders.part [gone] line 2"],
    ),
    "part with more of the payment fee than there is": (
        "update orders.part_line set payment_fee_minor = 99 where part_id = uid('frozen')",
        ["part_fee: orders.order [delivered]", "part_sum: orders.part [frozen]"],
    ),
    "units canceled that were sent": (
        "update orders.part set kind = 'canceled' where id = uid('frozen')",
        [
            "dispute: disputes.dispute [frozen]",
            "order_movements: orders.order [delivered] stock 1",
        ],
    ),
    "part that was never recalled": (
        "select repost(uid('gone'), 'recall', 'seller', 'escrow', 35)",
        ["escrow_balance: ledger.account escrow USD", "part_money: orders.part [gone]"],
    ),
    "part released with another commission": (
        "select repost(uid('gone'), 'part_commission', 'seller', 'commission', 3)",
        ["part_money: orders.part [gone]", "invoice_month: invoices [seller] USD 2020-02-01"],
    ),
    "dispute closed with another grant": (
        "update disputes.dispute set granted_minor = 13 where id = uid('gone')",
        ["dispute: disputes.dispute [gone]"],
    ),
    "something wanted instead that nobody holds": (
        "update disputes.replacement set status = 'held' where id = uid('gone')",
        ["replaced: disputes.replacement [gone]", "stock_promised: inventory.stock 1"],
    ),
    "sale elsewhere that was canceled and kept its goods": (
        "update channels.sale set status = 'canceled', ended_at = at where id = uid('elsewhere')",
        ["sold_elsewhere: channels.sale [elsewhere]", "stock_promised: inventory.stock 1"],
    ),
    "dispute deleted": (
        "delete from disputes.dispute where id = uid('frozen')",
        ["dispute: disputes.dispute [frozen]"],
    ),
    "held order that was sent": (
        "insert into orders.hold values (0, uid('shipped'), 'list', '1', 'Ada', '2020-02-01 12:00Z')",
        ["order_held: orders.order [shipped]"],
    ),
    "silence that ended no turn": (
        "update disputes.dispute set due_at = '2020-02-29 01:00Z' where id = uid('frozen')",
        ["dispute_overdue: disputes.dispute [frozen]"],
    ),
    "chargeback of another amount": (
        "update chargebacks.case set withdrawn_minor = 21 where id = uid('bank')",
        ["chargeback: chargebacks.case [bank]"],
    ),
    "refund that a bank has and the books do not say": (
        "select unpost(uid('r2'), 'refund_covered')",
        ["refund_covered: payments.refund [r2]"],
    ),
    "order of which a bank has more": (
        "update payments.taken set taken_minor = 4 where order_id = uid('completed')",
        ["payment_charged_back: payments.payment [done]"],
    ),
    "late return whose money did not come": (
        "update chargebacks.late set returned_minor = 3",
        ["chargeback: chargebacks.case [bank]", "chargeback_late: chargebacks.late [late]"],
    ),
    "more taken than a part had left": (
        "update orders.part set back_minor = 32 where id = uid('gone')",
        ["dispute: disputes.dispute [gone]", "part_kept: orders.part [gone]", "part_money: orders.part [gone]"],
    ),
    "loss that nobody bears": (
        "update chargebacks.share set from_parts_minor = 1 where id = uid('fell')",
        ["chargeback_share: chargebacks.share [fell]"],
    ),
    "payment that knows of no bank": (
        "update payments.payment set charged_back_minor = 14 where id = uid('delivered')",
        ["payment_charged_back: payments.payment [delivered]"],
    ),
    "loss that was posted too early": (
        "update chargebacks.share set status = 'taken', from_parts_minor = null where id = uid('fell')",
        ["chargebacks_balance: ledger.account chargebacks USD"],
    ),
    "debt written off with another amount": (
        "update payments.write_off set amount_minor = 8 where id = uid('loss')",
        ["write_off: payments.write_off [loss]"],
    ),
    "reserve that was not held back": (
        "insert into payments.reserve_terms values (uid('seller'), '2020-02-01Z', 1000, 60, 'tests')",
        ["reserve: ledger.transfer [completed] release"],  # the part was recalled: it was held back before, or not
    ),
}
