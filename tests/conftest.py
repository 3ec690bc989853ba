"""What every test may ask for: a real PostgreSQL, a migrated database, real data where there are."""

import asyncio
import gc
import importlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from entrepot import trade
from entrepot.kit import migrate, postgres
from entrepot.kit.db import Database
from entrepot.kit.process import GARBAGE
from tests import cluster
from tests.databases import Shelf, administer, made, sibling

DISK = tempfile.gettempdir()
MEMORY = Path("/dev/shm")
MEMORY_MIN_BYTES = 4 << 30


def _has_room(folder: Path) -> bool:
    """Whether programs may be put there and run, and there is room for a few servers."""
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= MEMORY_MIN_BYTES and not found.f_flag & os.ST_NOEXEC


# A new database is a thousand small files, and the suite makes a hundred: they die with their test, so they are in
# memory where there is some to spare. What is about the disk asks for DISK.
if _has_room(MEMORY):
    tempfile.tempdir = str(MEMORY)

# httpx asks for it at each request, which takes as long as the request: it is that of trio, which we have not.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# Containers often keep no compiled Python, and then each of two hundred processes would compile the program anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LONG = ("bench", "browser", "acceptance", "crash", "kit", "sim", "world", "api", "journeys")
"""The folders whose files take long, the longest first: begun last, one of them would leave the other core idle."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each process of a run imports a share of the tests first, so that where nothing is compiled yet each file is
    compiled by one of them. What cannot be imported is told when it is collected."""
    if number := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
        root = session.config.rootpath
        for file in sorted(root.glob("tests/*/test_*.py"))[int(number) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]:
            with suppress(Exception):
                importlib.import_module(".".join(file.relative_to(root).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if cluster.URL is not None:  # only the tests that are about it
        config.hook.pytest_deselected(items=[item for item in items if not item.get_closest_marker("cluster")])
        items[:] = [item for item in items if item.get_closest_marker("cluster")]

    def rank(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)
    gc.freeze()  # modules and tests stay: no collection need look at them
    gc.set_threshold(GARBAGE)  # as the program has it


# How fast a machine is decides nothing here.
settings.register_profile("entrepot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("entrepot")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def initialized_once() -> Iterator[None]:
    """What the same initdb makes is the same each time, and takes it half a second: its second folder is a copy."""
    made: dict[Path, Path] = {}
    run = postgres._run

    def copy(source: Path | str, target: Path | str) -> None:
        subprocess.run(["cp", "-a", f"{source}/.", target], check=True)  # whoever owns them

    def instead(command: Sequence[str | Path], user: pwd.struct_passwd | None, stdin: str = "") -> None:
        programs, folder = Path(command[0]).parent, command[list(command).index("-D") + 1]
        initializes, completes = Path(command[0]).name == "initdb", "--single" in command
        if programs in made and (initializes or completes):
            if initializes:
                copy(made[programs], folder)
            return
        run(command, user, stdin)
        if completes:
            made[programs] = Path(tempfile.mkdtemp(prefix="entrepot-test-"))
            copy(folder, made[programs])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "_run", instead)
        yield
    for kept in made.values():
        shutil.rmtree(kept)


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """A server for the whole run: ENTREPOT_TEST_DATABASE_URL (may create databases), or one of our own, by the programs
    in the folder ENTREPOT_TEST_POSTGRES or by those of the wheel."""
    if given := cluster.URL or os.environ.get("ENTREPOT_TEST_DATABASE_URL"):
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="entrepot-test-"))
    home.chmod(0o711)  # root's server runs as another user, which passes through here
    # The data die with the run, so it need not wait for the disk. The crash tests run a server of their own. A vacuum
    # would come at any moment, and have tables planned as empty that a test has just emptied.
    with pytest.MonkeyPatch.context() as patch:
        if programs := os.environ.get("ENTREPOT_TEST_POSTGRES"):
            patch.setattr(postgres, "_binaries_for", lambda _: Path(programs))
            _init(home, Path(programs))
        flags = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        server = postgres.start(home, **flags)
    yield server.url
    server.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(pg_url: str) -> Iterator[str]:
    """The name of a database as `entrepot migrate` leaves it: no rows but the packs of the law. A cluster has none."""
    name = f"entrepot_{os.getpid()}_template"
    if cluster.URL is None:
        asyncio.run(administer(pg_url, f"create database {name}"))
        asyncio.run(_migrate(sibling(pg_url, name)))
    yield name
    if cluster.URL is None:
        asyncio.run(administer(pg_url, f"drop database {name} with (force)"))


@pytest.fixture(scope="session")
async def databases(pg_url: str, template: str, anyio_backend: str) -> AsyncIterator[Shelf]:
    """Databases that are as new. As long as this is there one event loop serves all tests, so that connections may stay
    open from one to the next."""
    shelf = Shelf(pg_url, template)
    yield shelf
    await shelf.close()


@pytest.fixture(scope="module")
def cluster_url() -> Iterator[str | None]:
    """The address of a database of four cells, spread over the nodes of ENTREPOT_CITUS_URL: one for a module."""
    if cluster.URL is None:
        yield None
        return
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="module")
async def db_url(databases: Shelf, cluster_url: str | None, anyio_backend: str) -> AsyncIterator[str]:
    """The address of a migrated database as new for the tests of one module, or a cluster."""
    async with databases.database(cluster_url) as url:
        yield url


@pytest.fixture
async def own_db_url(databases: Shelf, cluster_url: str | None, anyio_backend: str) -> AsyncIterator[str]:
    """The address of a migrated database as new for one test; a cluster is one for its module."""
    async with databases.database(cluster_url) as url:
        yield url


@pytest.fixture
def lone_db_url(pg_url: str, template: str) -> Iterator[str]:
    """The address of a migrated database for one test to which nothing stays connected, so that it can be copied."""
    with made(pg_url, template) as url:
        yield url


@pytest.fixture
def empty_db_url(pg_url: str) -> Iterator[str]:
    """The address of an empty database for one test: nothing is migrated."""
    with made(pg_url, "template1") as url:
        yield url


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that goes with the test. As root: a server's user passes through it."""
    with tempfile.TemporaryDirectory(prefix="entrepot-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets."""
    given = os.environ.get("ENTREPOT_DATA")
    if not given:
        pytest.skip("lacks the real data: set ENTREPOT_DATA to their folder")
    folder = Path(given)
    if not folder.is_dir():
        pytest.skip(f"lacks the real data: ENTREPOT_DATA names {folder}, which is no folder")
    return folder


def _init(home: Path, programs: Path) -> None:
    """Makes the data folder that `postgres.start` would make, in the words of older releases."""
    user = postgres._server_user()
    data = postgres._data_folder(home, user)
    data.mkdir(mode=0o700)
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
    locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
    postgres._run([programs / "initdb", "-D", data, "-U", "entrepot", "-A", "trust", *locale], user)
    postgres._run([programs / "postgres", "--single", "-D", data, "template1"], user, "create database entrepot\n")


async def _migrate(url: str) -> None:
    await migrate.migrate(url)
    db = await Database.open(url)
    async with db.write() as tx:
        await trade.load_packs(tx)
    await db.close()
