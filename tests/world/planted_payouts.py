"""What is planted into payouts, files for the bank and exchanges of currency."""

PAYOUTS = {
    "payout of another amount": (
        "update payments.payout set amount_minor = 599 where id = uid('payout')",
        ["payout: payments.payout [payout]"],
    ),
    "payout settled that is still held": (
        "update payments.payout set status = 'settled', due_at = null where id = uid('asked')",
        ["payout: payments.payout [asked]"],
    ),
    "payout returned that was settled": (
        "update payments.payout set status = 'returned' where id = uid('payout')",
        ["payout: payments.payout [payout]"],
    ),
    "payout that came back with another amount": (
        "select repost(uid('back'), 'payout_return', 'payout', 'seller', 4)",
        ["payout: payments.payout [back]"],
    ),
    "payout that came back while it is held": (
        "select post(uid('asked'), 'payout_return', 'payout', 'seller', 7)",
        ["payout: payments.payout [asked]"],
    ),
    "payout taken out of its file": (
        "update payments.payout set file_id = null, account_id = null where id = uid('dropped')",
        ["bank_file: payments.bank_file [file]"],
    ),
    "file of another sum": (
        "update payments.bank_file set total_minor = 801",
        ["bank_file: payments.bank_file [file]"],
    ),
    "entry of a statement changed": (
        "update reconciliation.entry set amount_minor = 101 where number = 2",
        ["statement: reconciliation.statement [statement]"],
    ),
    "payout deleted": ("delete from payments.payout where id = uid('payout')", ["payout: payments.payout [payout]"]),
    "payout of more than was earned": (
        (
            "update payments.payout set amount_minor = 999 where id = uid('payout');"
            "select repost(uid('payout'), 'payout', 'seller', 'payout', 999)"
        ),
        ["payout_limit: seller [seller] USD"],
    ),
    "leg of an exchange that is missing": (
        "select unpost(uid('shipped'), 'exchange_back')",
        ["exchange: orders.exchange [shipped]", "exchange_position: ledger.account exchange USD"],
    ),
    "exchange that nothing was gained for": (
        "update orders.exchange set net_minor = 110",
        [
            "exchange: orders.exchange [shipped]",
            "exchange_position: ledger.account exchange EUR",
            "exchange_position: ledger.account exchange USD",
            "exchange_position: ledger.account exchange_spread EUR",
        ],
    ),
}
