"""The bench `ledger` runs from end to end, tiny."""

from __future__ import annotations

import msgspec
import pytest

from bench import ledger, report

TINY = ledger.Scale(
    pgbench_s=1, pgbench_scale=1, accounts=30, transfers=20, singles=4, releases=8, lines=50,
    histories=(("1m", 300), ("3m", 600)),
)  # fmt: skip


def test_parts_run_and_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "WARM_UP", 1)
    monkeypatch.setattr(ledger, "pgbench", lambda *_: 100.0)  # it runs in the floor's acceptance
    only = ("single", "batched_128", "batched_hot", "release_batched_2", "statement_100k", "trial_balance")
    outcome = ledger.run(TINY, only, tell=lambda _: None)
    assert {name: unit for name, (_, unit) in outcome.values.items()} == {
        "pgbench": "tx/s", "single": "transfers/s", "batched_128": "transfers/s", "batched_hot": "transfers/s",
        "release_batched_2": "releases/s", "statement_100k": "s",
        "statement_csv_100k": "s", "statement_pdf_100k": "s", "trial_balance_1m": "s", "close_day_1m": "s",
        "trial_balance_3m": "s", "close_day_3m": "s",
    }  # fmt: skip
    assert all(value > 0 for value, _ in outcome.values.values())
    compared = [(r["name"], r["vs"]) for r in msgspec.json.decode(report.as_json(outcome))["results"] if r["vs"]]
    assert compared == [
        ("batched_128", "pgbench"), ("statement_100k", "1"), ("statement_csv_100k", "3"), ("statement_pdf_100k", "1"),
        ("trial_balance_3m", "trial_balance_1m"),
    ]  # fmt: skip
