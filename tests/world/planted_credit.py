"""What is planted into installments."""

CREDIT = {
    "plan of another amount": (
        "update credit.plan set principal_minor = 2049 where id = uid('done')",
        ["plan_group: credit.plan [done]", "plan_sum: credit.plan [done]"],
    ),
    "plan without its group": (
        "update payments.payment set method = 'sandbox' where id = uid('done')",
        [
            "plan_group: credit.plan [done]",
        ],
    ),
    "installment that was made smaller": (
        "update credit.installment set principal_minor = 682 where no = 2",
        [
            "exposure: credit.line [buyer] USD",
            "funder_balance: ledger.account funder USD",
            "plan_sum: credit.plan [done]",
        ],
    ),
    "installment that was cut for nothing": (
        (
            "update credit.installment set principal_minor = 682, cut_principal_minor = 1 where no = 2;"
            "update credit.line set exposure_minor = 1355"
        ),
        ["funder_balance: ledger.account funder USD", "plan_back: credit.plan [done]"],
    ),
    "plan that nobody looks at": (
        "update credit.plan set due_at = '2020-02-29Z'",
        ["plan_status: credit.plan [done]"],
    ),
    "line with less than is owed": (
        "update credit.line set exposure_minor = 0",
        ["exposure: credit.line [buyer] USD"],
    ),
    "payment whose fee was not posted": (
        "select unpost(uid('rate'), 'fee')",
        ["collected: payments.payment [rate]"],
    ),
    "payment that nothing was paid by": (
        "update credit.installment set late_payment_id = null",
        ["collected: payments.payment [rate]"],
    ),
    "money given back twice": (
        "select post(uid('r6'), 'plan_back', 'funder', 'wallet', 1)",
        ["funder_balance: ledger.account funder USD", "plan_refund: payments.refund of [r6]"],
    ),
    "loss of nothing": (
        "select post(uid('done'), 'default', 'funder_loss', 'funder', 5)",
        ["funder_balance: ledger.account funder USD", "funder_balance: ledger.account funder_loss USD"],
    ),
}
