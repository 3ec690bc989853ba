"""What goes wrong on the command line is one line, which names the remedy."""

from __future__ import annotations

import pytest

from entrepot import cli


@pytest.mark.parametrize(
    "command",
    ["audit", "audit --watch", "cells list", "cells add", "cells close 0", "switch list",
     "rehearse --shape recorded"],
)  # fmt: skip
def test_a_database_that_is_not_migrated(
    pg_url: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", pg_url)
    assert cli.main(command.split()) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("entrepot: ")
    assert said.endswith("does not exist: run entrepot migrate first")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("audit --speed", "entrepot: unrecognized arguments: --speed: see entrepot --help"),
        ("audit --share much", "entrepot: argument --share: invalid float value: 'much': see entrepot audit --help"),
        ("cells close", "entrepot: the following arguments are required: cell: see entrepot cells close --help"),
    ],
)
def test_wrong_usage(command: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(command.split())
    assert (ended.value.code, capsys.readouterr().err) == (2, f"{said}\n")
