"""The revisions make the tables that the code describes."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tenprint.store import Database
from tenprint.workflow.schema import MIGRATIONS, metadata


def test_revisions_make_what_the_schema_says(url):
    database = Database(url, migrations=MIGRATIONS)
    try:
        with database.read() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "version_table": "workflow_version"}
            )
            assert compare_metadata(context, metadata) == []
    finally:
        database.close()


def test_workflow_and_matcher_share_a_database(url):
    Database(url).close()
    Database(url, migrations=MIGRATIONS).close()
    again = Database(url)
    try:
        assert again.store_id()
    finally:
        again.close()
