"""Both databases that the store runs on: SQLite in a file, and a real PostgreSQL of this session's own."""

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest

from tenprint.store import Originator, Request, Target


def _postgresql_tools():
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server on a socket in a folder of its own: the host part of a URL."""
    tools = _postgresql_tools()
    if tools is None:
        pytest.skip("no PostgreSQL server installed (Debian: apt-get install postgresql)")
    # PostgreSQL refuses to run as root; the socket's path must be short.
    drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="tp-pg-", dir="/tmp") as name:
        folder = Path(name)
        if drop:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        run = {"check": True, "capture_output": True, "cwd": name}
        subprocess.run([*drop, tools / "initdb", "-D", data, "-U", "tenprint", "-A", "trust", "-N"], **run)
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        subprocess.run([*drop, tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], **run)
        try:
            yield folder
        finally:
            subprocess.run([*drop, tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A URL of a new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records/tenprint.db"
    folder = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=str(folder), user="tenprint", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://tenprint@/{name}?host={folder}"


def enrol(store, item):
    """Enrol one; its receipt, or the refusal raised."""
    (answer,) = store.enrol([item])
    if isinstance(answer, Exception):
        raise answer
    return answer


def request(tcn, digest="d", reference=""):
    return Request(Originator("ZZSTORE00", tcn), digest, reference)


def target(*, subject=None, encounter=None):
    return Target(subject_id=subject, encounter_id=encounter)
