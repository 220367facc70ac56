"""No everyday query reads a whole table on SQLite: what is quick with ten rows must be with a million."""

import pytest
from sqlalchemy import event

from tenprint.store import Originator, Position, Store
from tests.store.conftest import enrol, request, target
from tests.store.test_store import GALLERIES, new


@pytest.fixture
def told(tmp_path):
    """A store, and the statements it has executed since."""
    store = Store(f"sqlite:///{tmp_path}/t.db", GALLERIES)
    statements = []

    def note(*execution):
        _, _, statement, parameters, _, many = execution
        if not many:
            statements.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", note, named=False)
    yield store, statements
    store.close()


def test_everyday_queries_go_by_an_index(told):
    store, statements = told
    for number in range(40):
        enrol(store, new(f"TCN{number:07d}", subject=f"S{number}"))
    store.receipt(Originator("ZZSTORE00", "TCN0000003"), "d")
    store.encounters("criminal", "S3")
    store.changes(Position(0, 30))
    store.latest()
    store.records.seal("criminal", target(subject="S5"), request("SEAL0000001"), sealed=True)
    store.records.expunge("criminal", target(subject="S6"), request("EXPUNGE0001"))
    kinds = ("SELECT", "UPDATE", "DELETE")
    asked = [item for item in dict.fromkeys(statements) if item[0].lstrip().startswith(kinds)]
    assert len(asked) > 20
    scans = []
    with store.database.engine.connect() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans += [(row[3], statement) for row in plan if row[3].startswith("SCAN") and _grows(row[3])]
    assert scans == []


def _grows(step):
    """Whether a scan is of a table with a row for each enrolment. The latest operation is first in its index."""
    if step == "SCAN operation USING COVERING INDEX ix_operation_transaction_number":
        return False
    return any(f"SCAN {table}" in step for table in ("receipt", "encounter", "template", "operation", "subject"))
