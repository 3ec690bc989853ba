"""python -m bench orders [--json] [--only NAME,...]
python -m bench grow [--json] [--sizes N,...]"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from bench import grow, orders, report
from bench.report import Outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="How fast it is, on this machine.")
    parser.add_argument("bench", choices=["orders", "grow"])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--only", metavar="NAME,...", help=f"orders: some of {', '.join(orders.PARTS)}")
    parser.add_argument(
        "--sizes", metavar="N,...", help="grow: how many orders there are, instead of 10000,1000000,10000000"
    )
    arguments = parser.parse_args()
    try:
        outcome = _grow(parser, arguments.sizes) if arguments.bench == "grow" else _orders(parser, arguments.only)
    except grow.NoRoomError as error:
        parser.exit(1, f"{error}\n")
    print(report.as_json(outcome) if arguments.json else report.as_table(outcome))
    return 1 if outcome.void else 0


def _orders(parser: argparse.ArgumentParser, names: str | None) -> Outcome:
    only = tuple(names.split(",")) if names else tuple(orders.PARTS)
    if unknown := set(only) - orders.PARTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return orders.run(orders.FULL, only, tell=report.tell)


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
