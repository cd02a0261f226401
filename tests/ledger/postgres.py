"""A PostgreSQL server of the tests' own: Debian's, in a temporary folder, on a socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MIGRATE = """\
from harness.ledger.connection import connected
with connected() as server:
    server.client.search_experiments()
"""


def binaries() -> Path | None:
    """Where PostgreSQL's newest programs lie; None where it is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    return max(found, key=lambda path: (len(path.parts), path), default=None)


def required() -> bool:
    """Whether the absence of PostgreSQL is a failure and no reason to skip."""
    return bool(os.environ.get("CI") or os.environ.get("HARNESS_REQUIRE_DATABASE"))


class Postgres:
    """A running server, whose databases are copies of one with MLflow's tables in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._execute("CREATE DATABASE empty")
        environment = os.environ | {"MLFLOW_TRACKING_URI": self.uri("empty")}
        subprocess.run([sys.executable, "-c", _MIGRATE], check=True, env=environment)

    def uri(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def new(self) -> str:
        """Make a database, and return its address."""
        self._count += 1
        self._execute(f"CREATE DATABASE test{self._count} TEMPLATE empty")
        return self.uri(f"test{self._count}")

    def _execute(self, statement: str) -> None:
        import psycopg

        where = f"postgresql://postgres@/postgres?host={self._folder}"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def started(programs: Path) -> Iterator[Postgres]:
    """Start a server that no other machine reaches, and stop it after."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path must be short
    data = folder / "data"
    owner = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    if owner:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)

    def call(program: str, *words: str) -> None:
        command = [str(programs / program), "-D", str(data), *words]
        with (Path(tempfile.gettempdir()) / f"{folder.name}.log").open("ab") as log:
            subprocess.run(
                command, check=True, stdout=log, stderr=log, cwd=folder, user=owner, group=owner
            )

    settings = f"-F -c listen_addresses='' -c unix_socket_directories={folder}"
    try:
        call("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8")
        call("pg_ctl", "start", "-w", "-t", "60", "-o", settings, "-l", str(folder / "log"))
        try:
            yield Postgres(folder)
        finally:
            call("pg_ctl", "stop", "-m", "immediate", "-w")
    finally:
        shutil.rmtree(folder)
        (Path(tempfile.gettempdir()) / f"{folder.name}.log").unlink(missing_ok=True)
