"""What every test may ask for: a real PostgreSQL, a migrated database, real data where there are."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from entrepot import trade
from entrepot.kit import migrate, postgres
from entrepot.kit.db import Database
from tests import cluster

_serial = count(1)

DISK = tempfile.gettempdir()
MEMORY = Path("/dev/shm")
MEMORY_MIN_BYTES = 4 << 30


def _has_room(folder: Path) -> bool:
    """Whether programs may be put there and run, and there is room for a few servers."""
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= MEMORY_MIN_BYTES and not found.f_flag & os.ST_NOEXEC


# A new database is a thousand small files, and the suite makes four hundred: they die with their test, so they are in
# memory where there is some to spare. What is about the disk asks for DISK.
if _has_room(MEMORY):
    tempfile.tempdir = str(MEMORY)

LONG = ("bench", "browser", "acceptance", "crash", "kit", "sim", "world", "api", "journeys")
"""The folders whose files take long, the longest first: begun last, one of them would leave the other core idle."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if cluster.URL is not None:  # only the tests that are about it
        config.hook.pytest_deselected(items=[item for item in items if not item.get_closest_marker("cluster")])
        items[:] = [item for item in items if item.get_closest_marker("cluster")]

    def rank(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)


# How fast a machine is decides nothing here.
settings.register_profile("entrepot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("entrepot")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """A server for the whole run: ENTREPOT_TEST_DATABASE_URL (may create databases), or one of our own, by the programs
    in the folder ENTREPOT_TEST_POSTGRES or by those of the wheel."""
    if given := os.environ.get("ENTREPOT_TEST_DATABASE_URL"):
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="entrepot-test-"))
    home.chmod(0o711)  # root's server runs as another user, which passes through here
    # The data die with the run, so it need not wait for the disk. The crash tests run a server of their own.
    with pytest.MonkeyPatch.context() as patch:
        if programs := os.environ.get("ENTREPOT_TEST_POSTGRES"):
            patch.setattr(postgres, "_binaries_for", lambda _: Path(programs))
            _init(home, Path(programs))
        server = postgres.start(home, fsync="off", synchronous_commit="off", full_page_writes="off")
    yield server.url
    server.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(pg_url: str) -> Iterator[str]:
    """The name of a database as `entrepot migrate` leaves it: no rows but the packs of the law."""
    name = f"entrepot_{os.getpid()}_template"
    _administer(pg_url, f"create database {name}")
    asyncio.run(_migrate(_sibling(pg_url, name)))
    yield name
    _administer(pg_url, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def cluster_url() -> Iterator[str]:
    """The address of a database of four cells, spread over the nodes of ENTREPOT_CITUS_URL: one for a module."""
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="module")
def db_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database for the tests of one module, or a cluster."""
    yield from _fresh(request)


@pytest.fixture
def own_db_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database for one test; a cluster is one for its module."""
    yield from _fresh(request)


@pytest.fixture
def empty_db_url(pg_url: str) -> Iterator[str]:
    """The address of an empty database for one test: nothing is migrated."""
    with _database(pg_url, "template1") as url:
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


def _fresh(request: pytest.FixtureRequest) -> Iterator[str]:
    if cluster.URL is not None:
        yield request.getfixturevalue("cluster_url")
        return
    with _database(request.getfixturevalue("pg_url"), request.getfixturevalue("template")) as url:
        yield url


@contextmanager
def _database(pg_url: str, template: str) -> Iterator[str]:
    name = f"entrepot_{os.getpid()}_{next(_serial)}"
    _administer(pg_url, f"create database {name} template {template} strategy file_copy")
    yield _sibling(pg_url, name)
    _administer(pg_url, f"drop database {name} with (force)")


def _sibling(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _administer(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
