"""The auditor: the books of a cell derived again from the rows that never change, and every difference named.

It shares no code with the rooms it audits, only the tables: a rule that a room got wrong is written here a second time.

    money.py   balances are the sums of their transfers, books are even, limits hold, every transfer went the way of its
               code between the parties of its order, escrow holds what is owed; refunds and purchases agree
    credit.py   schedules sum to what was lent, the funder's accounts to what is owed
    payouts.py each has its hold, transfers and file, nobody was paid more than was earned; bank statements add up
    fees.py    what a sale's rule took of it and the tax on that; shops, deposits and invoices
    metering.py  what was billed of metered use is what was used
    stock.py   stock rows are the sums of their movements, hold what orders were promised, and are not oversold
    borders.py taxes that the platform collected, and what people may bring in a year
    bonded.py  account books of goods in bond, and what customs let out of them
    quotas.py  what promotions may still be used for is what was granted less what was used
    orders.py  amounts of lines, orders, groups and payments agree; bundles are whole; each order's escrow went in and
               out exactly; its status agrees with its times, group, payment, fulfillment order and shipment; no promise
               is overdue

    trust.py   what one operator did alone is within the limit; ratings count their reviews, which are of what was sent

All checks of one audit read one snapshot, so that it is right while sales go on. It blocks nobody.

    run.py      the full audit: everything, once (`entrepot audit`)
    touched.py  the incremental one: what has changed since the last look, by the same rules (the simulation, each step)
    watch.py    both beside a live shop, at a bounded load (`entrepot audit --watch`)
"""

from entrepot.world.auditor.check import Finding
from entrepot.world.auditor.checks import CHECKS
from entrepot.world.auditor.run import Report, audit, examine, main
from entrepot.world.auditor.touched import Books, look, open_books

__all__ = ["CHECKS", "Books", "Finding", "Report", "audit", "examine", "look", "main", "open_books"]
