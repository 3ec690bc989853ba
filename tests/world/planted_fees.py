"""What is planted into fees, shops and invoices."""

FEES = {
    "commission by another rate than its rule": (
        "update fees.rule set rates_bp = '{1000,1300}' where id = 1",
        ["fee_rule: orders.order_line [delivered] line 1"],
    ),
    "rule that had not begun": (
        "update fees.rule set valid_from = '2020-02-25Z'",
        ["fee_rule: orders.order_line [delivered] line 1"],
    ),
    "another tax on fees": (
        "update orders.order set fee_tax_minor = 23 where id = uid('paid')",
        ["fee_tax: orders.order [paid]"],
    ),
    "tax on fees that nobody paid": (
        """update orders.order set fee_tax_minor = 24, fee_tax_bp = 1900, fee_tax_kind = 'standard'
            where id = uid('completed')""",
        ["seller_fees: orders.order [completed]"],
    ),
    "opening that was charged otherwise": (
        "select repost(uid('opening_fee'), 'opening_fee', 'seller', 'shop_fees', 101)",
        ["charge: fees.charge [opening_fee]", "invoice_month: invoices [seller] USD 2020-02-01"],
    ),
    "deduction of nobody": (
        "delete from fees.charge where kind = 'deposit_deduction'",
        ["charge: fees.charge [deposit_deduction]", "deposit: fees.shop [shop]"],
    ),
    "month that was not charged": (
        "update fees.shop set due_on = '2020-02-01'",
        ["shop_months: fees.shop [shop]"],
    ),
    "invoice of another sum": (
        "update invoices.invoice set net_minor = 258 where id = uid('invoice')",
        ["invoice_month: invoices [seller] USD 2020-02-01", "invoice_sum: invoices.invoice [invoice]"],
    ),
    "gap in the numbers": (
        "update invoices.invoice set serial = 3 where id = uid('credit')",
        ["invoice_numbers: invoices.series ACME credit_note 2020"],
    ),
    "credit note that was not paid": (
        "select unpost(uid('credit'), 'fee_credit_tax')",
        ["credit_note: invoices.invoice [credit]"],
    ),
    "more credited than the line has": (
        "update invoices.line set net_minor = 9 where invoice_id = uid('invoice') and no = 3",
        ["credit_note: invoices.invoice [credit]", "invoice_sum: invoices.invoice [invoice]"],
    ),
}
