"""What is planted into metered use and its bills."""

CALLS, STORAGE = (
    "usage_billed: use [seller] calls  USD 2020-01-01  2020-01-01",
    "usage_billed: use [seller] storage  USD 2020-01-01 ",
)

METERING = {
    "use that was billed and is not there": (
        "delete from metering.event where event_id = 'b'",
        [CALLS],
    ),
    "largest use that was not billed": (
        "update metering.event set quantity = 5 where event_id = 'd'",
        [STORAGE],
    ),
    "line of another amount": (
        "update metering.line set net_minor = 8 where no = 2",
        ["usage_price: metering.line [use] 2", "usage_bill: metering.bill [use]"],
    ),
    "units in another tier": (
        "update metering.line set quantity = case no when 1 then 99 else 201 end where meter = 'calls'",
        ["usage_price: metering.line [use] 1", "usage_price: metering.line [use] 2"],
    ),
    "bill whose tax was not paid": (
        "select unpost(uid('use'), 'usage_fee_tax')",
        ["usage_bill: metering.bill [use]", "invoice_month: invoices [seller] USD 2020-02-01"],
    ),
    "month that is billed and open": (
        "update metering.account set open_month = '2020-01-01'",
        ["usage_months: metering.account [seller]", CALLS, STORAGE],
    ),
    "event on the bill before its month": (
        "update metering.event set month = '2020-01-01' where event_id = 'e'",
        [
            "usage_billed: use [seller] calls  USD 2020-02-01  2020-01-01",
            "usage_months: metering.account [seller]",
        ],
    ),
}
