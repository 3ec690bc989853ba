"""python -m bench orders [--json] [--only NAME,...]"""

from __future__ import annotations

import argparse
import sys

from bench import orders, report


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="How fast it is, on this machine.")
    parser.add_argument("bench", choices=["orders"])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--only", metavar="NAME,...", help=f"some of: {', '.join(orders.PARTS)}")
    arguments = parser.parse_args()
    only = tuple(arguments.only.split(",")) if arguments.only else tuple(orders.PARTS)
    if unknown := set(only) - orders.PARTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    outcome = orders.run(orders.FULL, only, tell=report.tell)
    print(report.as_json(outcome) if arguments.json else report.as_table(outcome))
    return 1 if outcome.void else 0


if __name__ == "__main__":
    sys.exit(main())
