"""The command `entrepot`: an explicit list of subcommands, each importing what it runs only when it runs.

Exit codes: 0 done, 1 refused or a check did not tie, 2 wrong usage or settings. Every handled error is one
line on stderr.
"""

import argparse
import asyncio
import gc
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import asyncpg.exceptions

from entrepot import __version__
from entrepot.kit import postgres
from entrepot.kit.backup import BackupError, backup, restore
from entrepot.kit.citus import CitusError
from entrepot.kit.migrate import MigrationError, migrate
from entrepot.kit.problem import Problem
from entrepot.kit.process import GARBAGE
from entrepot.settings import PORT_MAX, Settings, SettingsError, load


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code."""
    arguments = _parser().parse_args(argv)
    gc.set_threshold(GARBAGE)
    try:
        with nullcontext(load()) if arguments.brings_server else _database(load()) as settings:
            code: int | None = arguments.run(settings, arguments)
            return code or 0
    except SettingsError as error:
        return _refuse(2, error)
    except Problem as problem:
        return _refuse(1, getattr(problem, "detail", problem.title()))
    except (asyncpg.exceptions.UndefinedTableError, asyncpg.exceptions.InvalidSchemaNameError) as error:
        return _refuse(1, f"{error}: run entrepot migrate first")
    except (
        BackupError,
        CitusError,
        MigrationError,
        postgres.PostgresError,
        asyncpg.exceptions.PostgresError,
        asyncpg.exceptions.InterfaceError,
    ) as error:
        return _refuse(1, error)
    except (ConnectionError, socket.gaierror) as error:
        return _refuse(1, f"no database answers ({error}): is it up, and ENTREPOT_DATABASE_URL right?")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _refuse(1, f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        return 130


def _refuse(code: int, error: object) -> int:
    print(f"entrepot: {' '.join(str(error).split())}", file=sys.stderr)
    return code


@contextmanager
def _database(settings: Settings) -> Iterator[Settings]:
    """Fill in `database_url`; where none is given the embedded server runs for as long as the command."""
    with postgres.database(settings.database_url or None, settings.home) as url:
        yield replace(settings, database_url=url)


class _Parser(argparse.ArgumentParser):
    """Wrong usage in one line, too."""

    def error(self, message: str) -> NoReturn:
        sys.exit(_refuse(2, f"{message}: see {self.prog} --help"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="entrepot", description="E-commerce infrastructure that anyone can run.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(brings_server=False)  # true for a command that starts a server of its own, if any
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="load real retail data, check the books and serve the marketplace")
    demo.add_argument("--check", action="store_true", help="do not serve; fail if anything in the report does not tie")
    demo.add_argument("--full", action="store_true", help="the whole year instead of four weeks")
    demo.add_argument("--port", type=int, metavar="PORT")
    demo.set_defaults(run=_demo)

    up = commands.add_parser("up", help="migrate and serve")
    up.add_argument("--port", type=int, metavar="PORT")
    up.set_defaults(run=_up)

    commands.add_parser("migrate", help="bring the database schema up to date").set_defaults(run=_migrate)
    commands.add_parser("worker", help="run jobs, timers and event consumers").set_defaults(run=_worker)

    audit = commands.add_parser("audit", help="re-derive every balance and stock from the immutable rows")
    audit.add_argument("--json", action="store_true")
    audit.add_argument("--watch", action="store_true", help="go on until SIGTERM, at a bounded load")
    audit.add_argument("--share", type=float, default=0.1, metavar="S", help="of one core's time, for --watch (0.1)")
    audit.add_argument("--metrics", type=int, metavar="PORT", help="where --watch shows Prometheus metrics")
    audit.set_defaults(run=_audit)

    switch = commands.add_parser("switch", help="turn off for a while what a peak can do without")
    switch.add_argument("name", help="a switch, `all`, or `list`")
    switch.add_argument("to", nargs="?", choices=["off", "on"])
    switch.add_argument("--for", dest="for_", metavar="TIME", help="90s, 30m, 2h or 1d", default="1h")
    switch.add_argument("--why", metavar="TEXT", help="for the record")
    switch.set_defaults(run=_switch)

    _add_cells(commands.add_parser("cells", help="where buyers and sellers live, and the sales among them"))

    imports = commands.add_parser("import", help="replay a real data set through the production path")
    imports.add_argument("source", choices=["completejourney"])
    imports.add_argument("--days", type=int, metavar="N", help="only the first N days")
    imports.add_argument("--json", action="store_true")
    imports.set_defaults(run=_import)

    _add_law(commands)
    _add_bank(commands.add_parser("bank", help="take in what the bank or the payment provider tells, and match it"))

    sim = commands.add_parser("sim", help="run the scripted world with faults and audit after each step")
    sim.add_argument("--seed", "--seeds", dest="seeds", required=True, metavar="N", help="7, or several: 1-200,5000")
    sim.add_argument("--steps", type=int, default=1000)
    sim.set_defaults(run=_sim, brings_server=True)

    _add_rehearse(commands.add_parser("rehearse", help="rehearse a peak against this deployment, in a database apart"))

    for name, run, text in (("backup", _backup, "write"), ("restore", _restore, "read")):
        command = commands.add_parser(name, help=f"{text} the whole database as one file")
        command.add_argument("file", type=Path)
        command.set_defaults(run=run)
    return parser


def _add_law(commands: "argparse._SubParsersAction[_Parser]") -> None:
    """What markets, borders and money abroad go by."""
    tariff = commands.add_parser("tariff", help="what borders take: read the official files, list what was read")
    tariff.add_argument("verb", choices=["import", "list"])
    tariff.add_argument("folder", nargs="?", type=Path, help="where the files are (ENTREPOT_DATA), or a pack (.toml)")
    tariff.add_argument("--json", action="store_true")
    tariff.set_defaults(run=_tariff)

    fx = commands.add_parser("fx", help="exchange rates: take in those that were installed, or a file's; list them")
    fx.add_argument("verb", choices=["import", "list"])
    fx.add_argument(
        "file", nargs="?", type=Path, help="the European Central Bank's (.zip, .csv), or day,currency,per_euro"
    )
    fx.set_defaults(run=_fx)

    translate = commands.add_parser("translate", help="have products translated by a translator of yours, to be read")
    translate.add_argument("url", help="where it takes {from, to, texts} and answers {texts}")
    translate.add_argument("language", help="such as de")
    translate.add_argument("--limit", type=int, default=1_000, help="how many products at most")
    translate.set_defaults(run=_translate)

    markets = commands.add_parser("markets", help="country sites: add those that ship, or one of your own, from a file")
    markets.add_argument("verb", choices=["add", "list"])
    markets.add_argument("names", nargs="*", metavar="MARKET", help="such as de, a file (.toml), or all")
    markets.set_defaults(run=_markets)

    _add_parties(
        commands.add_parser("parties", help="denied parties: read a list of names, whose orders are then held")
    )


def _add_rehearse(rehearse: argparse.ArgumentParser) -> None:
    rehearse.set_defaults(run=_rehearse)
    add = rehearse.add_argument
    add("--forecast", type=float, metavar="ORDERS_PER_S", help="the peak to be ready for: the answer is go or no go")
    add("--headroom", type=float, default=1.3, metavar="FACTOR", help="so many times the forecast must be held (1.3)")
    add(
        "--shape",
        default="double11",
        metavar="SHAPE",
        help="of the peak: double11, recorded, or a CSV of orders by minute",
    )
    add("--from", dest="begin", metavar="TIME", help="of what is recorded (UTC); without it, the last --minutes")
    add("--minutes", type=int, metavar="N", help="of what is recorded (240)")
    add("--speed", type=float, metavar="K", help="replay K times as fast (so that it takes a minute)")
    add("--mix", metavar="KIND=WEIGHT,...", help="of listing, detail, cart, purchase, place, campaign")
    add("--gateway", type=int, metavar="PERCENT", help="of the orders are paid through one (as real ones were lately)")
    add("--p99", type=float, default=500, metavar="MS", help="a higher 99th percentile is a limit (500)")
    add("--up-to", type=float, metavar="ORDERS_PER_S", help="the last step of the ramp")
    add("--step", type=int, default=5, metavar="SECONDS", help="how long a step of the ramp takes (5)")
    add("--port", type=int, metavar="PORT", help="where the web processes listen")
    add("--keep", action="store_true", help="the rehearsal's database until the next one, to look into")
    add("--report", type=Path, metavar="FILE", help="the HTML report (rehearsal-DATE.html)")
    add("--json", action="store_true", help="everything as JSON instead of a summary")


def _add_parties(parties: argparse.ArgumentParser) -> None:
    parties.add_argument("verb", choices=["import", "list"])
    parties.add_argument("file", nargs="?", type=Path, help="CSV with the columns name, and id and aliases if you like")
    parties.add_argument("--list", dest="name", metavar="NAME", help="its name (the file's), as a whole replaced")
    parties.set_defaults(run=_parties)


def _add_bank(bank: argparse.ArgumentParser) -> None:
    bank.add_argument("verb", choices=["import"])
    bank.add_argument("file", type=Path, help="a statement (camt.053) or a report (CSV)")
    bank.set_defaults(run=_bank)


def _add_cells(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verbs.add_parser("list", help="what each cell holds, and where it lies")
    verbs.add_parser("add", help="one more, open to new buyers and sellers")
    for verb, text in (("open", "let new buyers and sellers in"), ("close", "let no more of them in")):
        verbs.add_parser(verb, help=text).add_argument("cell", type=int)
    move = verbs.add_parser("move", help="to another node of Citus")
    move.add_argument("cell", type=int)
    move.add_argument("--to", required=True, metavar="HOST:PORT")
    init = verbs.add_parser("init", help="spread the cells over nodes, again after each migration")
    init.add_argument("--citus", action="store_true", required=True)
    parser.set_defaults(run=_cells)


def _demo(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.world import demo

    settings = _on_port(settings, arguments)
    code: int | None = demo.run(settings, check=arguments.check, full=arguments.full)
    return code if code or arguments.check else _serve(settings)


def _up(settings: Settings, arguments: argparse.Namespace) -> int | None:
    settings = _on_port(settings, arguments)
    _migrate(settings, arguments)
    return _serve(settings)


def _serve(settings: Settings) -> int | None:
    from entrepot import app
    from entrepot.world import sandbox

    try:
        with sandbox.beside(settings) as settings:
            app.serve(settings)
    except app.ServeError as error:
        return _refuse(1, error)
    return 0


def _migrate(settings: Settings, _: argparse.Namespace) -> None:
    from entrepot.trade import command

    asyncio.run(migrate(settings.database_url))
    command.load_packs(settings)


def _worker(settings: Settings, _: argparse.Namespace) -> None:
    from entrepot import worker

    worker.main(settings)


def _audit(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.world import auditor
    from entrepot.world.auditor import watch

    if not 0 < arguments.share <= 1:
        raise SettingsError(f"--share must be above 0 and at most 1, not {arguments.share:g}")
    if arguments.metrics is not None and not 1 <= arguments.metrics <= PORT_MAX:
        raise SettingsError(f"--metrics must be a port from 1 to {PORT_MAX}, not {arguments.metrics}")
    if arguments.watch:
        return watch.main(settings, arguments.json, arguments.share, arguments.metrics)
    return auditor.main(settings, as_json=arguments.json)


def _switch(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.platform import command

    try:
        command.run(settings, arguments.name, arguments.to, arguments.for_, arguments.why)
    except command.UsageError as error:
        return _refuse(2, error)
    return 0


def _cells(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot import cells

    try:
        cells.run(settings, arguments)
    except cells.CellsError as error:
        return _refuse(1, error)
    return 0


def _import(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.world import completejourney

    return completejourney.main(settings, days=arguments.days, json=arguments.json)


def _tariff(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.trade import command

    try:
        return command.run(settings, arguments.verb, arguments.folder, as_json=arguments.json)
    except command.UsageError as error:
        return _refuse(2, error)


def _fx(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.exchange import FileNotReadError, command

    try:
        command.run(settings, arguments.verb, arguments.file)
    except FileNotReadError as error:
        return _refuse(2, error)
    return None


def _translate(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.catalog import command
    from entrepot.kit.outside import OutsideError

    try:
        command.run(settings, arguments.url, arguments.language, arguments.limit)
    except OutsideError as error:
        return _refuse(1, error)
    return None


def _markets(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot import markets

    try:
        markets.run(settings, arguments.verb, arguments.names)
    except markets.MarketsError as error:
        return _refuse(2, error)
    return 0


def _parties(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.trade import command

    try:
        command.run_parties(settings, arguments.verb, arguments.file, arguments.name)
    except command.UsageError as error:
        return _refuse(2, error)
    return 0


def _bank(settings: Settings, arguments: argparse.Namespace) -> None:
    from entrepot.reconciliation import command

    command.run(settings, arguments.file)


def _sim(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.world import sim_command

    try:
        seeds = sim_command.seeds_of(arguments.seeds)
    except ValueError as error:
        return _refuse(2, error)
    if arguments.steps < 1:
        return _refuse(2, f"--steps must be 1 or more, not {arguments.steps}")
    return sim_command.main(settings, seeds=seeds, steps=arguments.steps)


def _rehearse(settings: Settings, arguments: argparse.Namespace) -> int | None:
    from entrepot.world.rehearse import command
    from entrepot.world.rehearse.plan import PlanError

    try:
        return command.run(_on_port(settings, arguments), arguments)
    except PlanError as error:
        return _refuse(1, error)


def _backup(settings: Settings, arguments: argparse.Namespace) -> None:
    backup(settings.database_url, arguments.file)
    print("Keep ENTREPOT_SECRET too, in another place: what is encrypted in the file opens with it only.")


def _restore(settings: Settings, arguments: argparse.Namespace) -> None:
    restore(settings.database_url, arguments.file)


def _on_port(settings: Settings, arguments: argparse.Namespace) -> Settings:
    if arguments.port is None:
        return settings
    if not 1 <= arguments.port <= PORT_MAX:
        raise SettingsError(f"--port must be a whole number from 1 to {PORT_MAX}, not {arguments.port}")
    return replace(settings, port=arguments.port)
