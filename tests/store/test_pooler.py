"""The store behind a real pgbouncer in transaction mode, which hands server sessions around between transactions."""

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tenprint.store import Position, Store
from tests.store.conftest import enrol, request, target
from tests.store.test_store import GALLERIES, held, new

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture
def pooled(postgresql):
    """A URL of an empty database through a pooler with fewer sessions than the store has connections."""
    if PGBOUNCER is None:
        pytest.skip("no pgbouncer installed (Debian: apt-get install pgbouncer)")
    with psycopg.connect(host=str(postgresql), user="tenprint", dbname="postgres", autocommit=True) as connection:
        name = f"p{time.time_ns()}"
        connection.execute(f"CREATE DATABASE {name}")
    folder = postgresql / "pooler"
    folder.mkdir()
    (folder / "users").write_text('"tenprint" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={postgresql} user=tenprint dbname={name}\n"
        f"[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {folder}\nauth_type = any\n"
        f"auth_file = {folder}/users\npool_mode = transaction\ndefault_pool_size = 3\nlogfile = {folder}/log\n"
    )
    drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if drop:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    process = subprocess.Popen([*drop, PGBOUNCER, "-q", folder / "pgbouncer.ini"], cwd=folder)
    deadline = time.monotonic() + 20
    while not Path(folder / ".s.PGSQL.6432").exists():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"postgresql+psycopg://tenprint@/{name}?host={folder}&port=6432"
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


def test_behind_a_transaction_pooler_everything_works(pooled):
    store = Store(pooled, GALLERIES)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda i: enrol(store, new(f"TCN{i:07d}", subject=f"S{i % 5}", seed=i)), range(60)))
    assert len(held(store)) == 60
    store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL01"), sealed=True)
    store.records.expunge("criminal", target(subject="S2"), request("TCN-EXPUNG"))
    store.records.merge("criminal", "S3", "S4", request("TCN-MERGE1"))
    store.database.scrub()
    followed, position = set(), Position(0, 0)
    while position < store.latest():
        changes = store.changes(position, 7)
        followed |= {row.encounter_id for row in changes.put.get("criminal", ())}
        followed -= set(changes.drop.get("criminal", ()))
        position = changes.position
    assert followed == held(store).keys()
    assert len(followed) == 36
    assert enrol(store, new("TCN0000000", subject="S0", seed=0)).encounter == receipts[0].encounter
    store.close()
