"""python -m bench orders [--json] [--only NAME,...]
python -m bench flash [--json] [--only NAME,...] [--attempts N]
python -m bench ledger [--json] [--only NAME,...]
python -m bench grow [--json] [--sizes N,...]
python -m bench landed [--json]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from dataclasses import replace

from bench import flash, grow, landed, ledger, orders, report
from bench.report import Outcome

ATTEMPTS_MAX = 10_000_000
"""By two million buyers, which are made before."""
PARTS: dict[str, Collection[str]] = {"orders": orders.PARTS, "flash": flash.PARTS, "ledger": ledger.PARTS}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="./dev bench", description="How fast it is, on this machine.")
    made.add_argument("bench", choices=["orders", "flash", "ledger", "grow", "landed"])
    made.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parts = "; ".join(f"{bench}: {', '.join(names)}" for bench, names in PARTS.items())
    made.add_argument("--only", metavar="NAME,...", help=f"some of {parts}")
    made.add_argument(
        "--attempts", type=int, metavar="N", help="flash: how many to buy 1,000 units, instead of 1000000"
    )
    made.add_argument(
        "--sizes", metavar="N,...", help="grow: how many orders there are, instead of 10000,1000000,10000000"
    )
    return made


def main() -> int:
    read = parser()
    arguments = read.parse_args()
    try:
        if arguments.bench == "grow":
            outcome = _grow(read, arguments.sizes)
        elif arguments.bench == "flash":
            outcome = _flash(read, arguments.only, arguments.attempts)
        elif arguments.bench == "landed":
            outcome = landed.run(report.tell)
        elif arguments.bench == "ledger":
            outcome = ledger.run(ledger.FULL, _named(read, arguments.only, ledger.PARTS), tell=report.tell)
        else:
            outcome = orders.run(orders.FULL, _named(read, arguments.only, orders.PARTS), tell=report.tell)
    except (grow.NoRoomError, landed.NoDataError) as error:
        read.exit(1, f"{error}\n")
    print(report.as_json(outcome) if arguments.json else report.as_table(outcome))
    return 1 if outcome.void else 0


def _named(parser: argparse.ArgumentParser, names: str | None, parts: Collection[str]) -> tuple[str, ...]:
    only = tuple(names.split(",")) if names else tuple(parts)
    if unknown := set(only) - set(parts):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return only


def _flash(parser: argparse.ArgumentParser, names: str | None, attempts: int | None) -> Outcome:
    asked = flash.FULL.attempts if attempts is None else attempts
    if not 5 * flash.FULL.units <= asked <= ATTEMPTS_MAX:
        parser.error(f"--attempts must be from {5 * flash.FULL.units} to {ATTEMPTS_MAX}, not {asked}")
    scale = replace(flash.FULL, attempts=asked)
    return flash.run(scale, _named(parser, names, flash.PARTS), tell=report.tell)


def _grow(parser: argparse.ArgumentParser, sizes: str | None) -> Outcome:
    try:
        asked = tuple(int(size) for size in sizes.split(",")) if sizes else grow.FULL.sizes
    except ValueError:
        parser.error(f"--sizes are whole numbers with commas between them, not {sizes}")
    if min(asked) < 100:
        parser.error("--sizes are at least 100")
    return grow.run(replace(grow.FULL, sizes=asked), tell=report.tell)


if __name__ == "__main__":
    sys.exit(main())
