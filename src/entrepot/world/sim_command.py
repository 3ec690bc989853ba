"""The command `entrepot sim`: one world or many, each in a database of its own that is dropped afterwards.

    entrepot sim --seed 7 --steps 20000           one world, step by step the same each time
    entrepot sim --seeds 1-200 --steps 1000       many, on all cores; those that fail are written down to be kept

Without ENTREPOT_DATABASE_URL they run on servers that are thrown away, which do not wait for the disk: a simulation
proves what the program does, and the crash tests prove that what was acknowledged is still there.

Of many worlds one is at work on each core, with a server of its own. Each stays on its core: a world is one thing after
another, here and in the server, and to pass the turn to another core takes longer than many a statement.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import AsyncExitStack, ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import uvloop

from entrepot.kit import postgres
from entrepot.kit.clock import monotonic
from entrepot.kit.process import GARBAGE, die_with_parent
from entrepot.settings import Settings
from entrepot.world.ground import Ground, open_ground, own_database
from entrepot.world.sim import VACUUM_STEPS, Outcome, SimulationError, in_own_database, play, silent

KEPT = Path("tests/sim/seeds.txt")
"""Where the suite finds the seeds that once failed."""
SEEDS_MAX = 100_000
NOT_DURABLE = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_wal_size": "256MB", "min_wal_size": "64MB", "autovacuum": "off", "track_counts": "off",
    "update_process_title": "off", "track_activities": "off", "io_method": "sync",
    "shared_buffers": "128MB", "max_locks_per_transaction": "256",
}  # fmt: skip
"""Nothing waits for the disk, and nothing is counted that nobody reads. A world is small, and its auditor's statements
lock a hundred tables and indexes."""

FOLDER = "entrepot-sim-"
"""Then the process that made it."""
ROOM_BYTES = 4 << 30
PAGES = "glibc.malloc.hugetlb=1"
"""Memory in large pages, where glibc is told to ask for them: a step goes through all that plans and rows take, and
finds a twentieth faster where that is."""


WORLDS_MAX = 20
"""On one ground."""


class WorldError(Exception):
    """A world that went wrong, with what is needed to keep it. (It crosses a process: its arguments are all it has.)"""

    def __init__(self, seed: int, step: int, why: str) -> None:
        super().__init__(seed, step, why)
        self.seed, self.step, self.why = seed, step, why


def main(settings: Settings, *, seeds: Sequence[int], steps: int, keep: Path = KEPT) -> int:
    """`entrepot sim`: 1 when a world went wrong. Those that did are added to the file `keep`, or to one of its name in
    the working folder where there is no such file."""
    keep = keep if keep.exists() else Path(keep.name)
    if not settings.database_url:
        os.environ.setdefault("GLIBC_TUNABLES", PAGES)  # of the processes to come
    if len(seeds) > 1:
        return _many(settings, seeds, steps, keep)
    with _server(settings, _cores()[-1]) as url, _template(url) as template:
        return _one(url, template, seeds[0], steps, keep)


def seeds_of(text: str) -> list[int]:
    """`1-3,7` is [1, 2, 3, 7]. Raises ValueError."""
    found: list[int] = []
    for part in text.split(","):
        said = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", part)
        some = range(int(said[1]), int(said[2] or said[1]) + 1) if said else range(0)
        if not 1 <= len(some) <= SEEDS_MAX:
            raise ValueError(f"--seed is 7, or several, up to {SEEDS_MAX:,}, as in 1-200,5000; not {text!r}")
        found += some
    return found


@contextmanager
def _server(settings: Settings, core: int) -> Iterator[str]:
    """The server that was given, or one of our own; then it and this process stay on this core."""
    if settings.database_url:
        yield settings.database_url
        return
    if sys.platform == "linux":
        os.sched_setaffinity(0, {core})
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-", dir=_memory()) as folder:
        home = Path(folder)
        home.chmod(0o711)  # root's server runs as another user, which passes through here
        server = postgres.start(home, **NOT_DURABLE)
        try:
            yield server.url
        finally:
            server.stop()


def _memory() -> Path | None:
    """A file system in memory, if it has room: a world makes and drops a thousand files. What a process that was killed
    has left there is removed."""
    memory = Path("/dev/shm")  # noqa: S108 - Linux's
    if not (os.access(memory, os.W_OK) and Path("/proc").is_dir()):
        return None
    for folder in memory.glob(f"{FOLDER}*-*"):
        if not Path("/proc", folder.name.split("-")[2]).exists():
            shutil.rmtree(folder, ignore_errors=True)
    return memory if shutil.disk_usage(memory).free > ROOM_BYTES else None


@contextmanager
def _template(url: str) -> Iterator[str]:
    """The name of a migrated database that the worlds are copied from."""
    name = f"entrepot_sim_{os.getpid()}_template"
    with asyncio.Runner() as runner, ExitStack() as last:
        stack = AsyncExitStack()
        last.callback(lambda: runner.run(stack.aclose()))
        runner.run(stack.enter_async_context(own_database(url, name)))
        yield name


def _one(url: str, template: str, seed: int, steps: int, keep: Path) -> int:
    try:
        outcome = _world(url, template, seed, steps, print)
    except WorldError as failed:
        _keep(failed, keep)
        return 1
    for what, count in outcome.counts.items():
        print(f"  {what:<40}{count:>9,}")
    print(f"seed {seed}: {outcome.steps:,} steps, {outcome.steps_per_s} a second, all ties; state {outcome.state}")
    return 0


def _many(settings: Settings, seeds: Sequence[int], steps: int, keep: Path) -> int:
    """One on each core at a time. The rate includes that servers are started and worlds set up and ended."""
    began, done, failed = monotonic(), 0, 0
    context = get_context("spawn")
    cores = context.SimpleQueue()
    for core in (here := _cores()):
        cores.put(core)
    with ProcessPoolExecutor(len(here), context, _move_in, (settings, cores)) as pool:
        worlds: list[Future[Outcome]] = [pool.submit(_world_here, seed, steps) for seed in seeds]
        for world in as_completed(worlds):
            done += 1
            if isinstance(error := world.exception(), WorldError):
                failed += 1
                _keep(error, keep)
            elif error is not None:
                raise error
            took_s = monotonic() - began
            left_min = took_s / done * (len(seeds) - done) / 60
            rate = done * steps / took_s
            print(
                f"{done} of {len(seeds)} worlds, {failed} failed, {rate:.0f} steps/s, {left_min:.0f} min left",
                flush=True,
            )
    print(f"{len(seeds)} worlds of {steps:,} steps: {f'{failed} failed' if failed else 'all ties'}")
    return 1 if failed else 0


def _cores() -> list[int]:
    """Those that we may use."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))


@dataclass
class _Here:
    """One process of many: its server, and the ground on which it plays worlds one after another. That becomes slow
    with what was deleted, so it serves so many `worlds`, and then there is a new one."""

    url: str
    template: str
    worlds: int
    runner: asyncio.Runner
    stack: AsyncExitStack
    ground: Ground | None = None
    played: int = 0


_HERE: list[_Here] = []


def _move_in(settings: Settings, cores: SimpleQueue[int]) -> None:
    die_with_parent(signal.SIGKILL)
    stack = ExitStack()
    url = stack.enter_context(_server(settings, cores.get()))
    template = stack.enter_context(_template(url))
    worlds = 1 if settings.database_url else WORLDS_MAX  # to clear a ground takes a superuser
    runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
    here = _Here(url, template, worlds, runner, AsyncExitStack())
    stack.callback(lambda: runner.run(here.stack.aclose()))
    _HERE[:] = [here]
    atexit.register(stack.close)


def _world_here(seed: int, steps: int) -> Outcome:
    (here,) = _HERE
    with _unheard():
        try:
            return here.runner.run(_play(here, seed, steps))
        except SimulationError as error:
            raise WorldError(seed, error.step, str(error)) from error


async def _play(here: _Here, seed: int, steps: int) -> Outcome:
    if here.ground is None:
        own = own_database(here.url, f"entrepot_sim_{os.getpid()}", here.template)
        here.ground = await here.stack.enter_async_context(open_ground(await here.stack.enter_async_context(own)))
        here.played = 0
    here.played += 1
    serves = False
    try:
        outcome = await play(here.ground, seed, steps)
        serves = here.played < here.worlds and steps < VACUUM_STEPS
        if serves:
            await here.ground.clear()
    finally:
        if not serves:
            here.ground = None
            await here.stack.aclose()
    return outcome


def _world(url: str, template: str, seed: int, steps: int, tell: Callable[[str], None] = silent) -> Outcome:
    with _unheard():
        try:
            return uvloop.run(in_own_database(url, seed, steps, tell, template))
        except SimulationError as error:
            raise WorldError(seed, error.step, str(error)) from error


@contextmanager
def _unheard() -> Iterator[None]:
    """What a world logs is part of life in it."""
    gc.set_threshold(GARBAGE)
    gc.freeze()  # what is there already stays
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        yield


def _keep(failed: WorldError, keep: Path) -> None:
    print(failed.why)
    with keep.open("a", encoding="utf-8") as file:
        file.write(f"{failed.seed} {failed.step}  # {' '.join(failed.why.split())[:200]}\n")
    print(f"kept as `{failed.seed} {failed.step}` in {keep}")
