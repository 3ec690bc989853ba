"""How fast it is: `./dev bench orders`. A benchmark and never a timed test; the suite only checks that it runs.

orders.py   which parts there are, in which order, and what each figure is compared with
flash.py    one product that everybody wants: batches, a rush over HTTP, several server processes
machine.py  the PostgreSQL under test, pgbench, the production server, CPU time
ledger.py   the bench of the ledger: transfers, statements, trial balances
market.py   the marketplace that is sold from, what must be in the tables after a part, the audit
batches.py  placing in process, and the bare writes that bound it
web.py      placing, whole purchases, listings and product pages over HTTP
load.py     the closed-loop load, a process of its own
replay.py   real baskets, to payout
report.py   results as a table or as JSON
"""
