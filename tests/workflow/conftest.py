"""The databases of tests/store, for the workflow, and a desk on each."""

import pytest

from tests.store.conftest import postgresql, url
from tests.workflow.desk import Desk

__all__ = ["postgresql", "url"]


@pytest.fixture
def desk(url):
    """A workflow's database with agencies in it, on SQLite and on PostgreSQL."""
    made = Desk(url)
    yield made
    made.close()


@pytest.fixture
def sqlite_desk(tmp_path):
    """The same on SQLite alone, for rules that no database decides."""
    made = Desk(f"sqlite:///{tmp_path}/workflow.db")
    yield made
    made.close()
