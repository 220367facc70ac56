"""Runs the revisions on the connection that the database hands over; they are counted apart from the matcher's."""

from alembic import context

from tenprint.workflow.schema import metadata

connection = context.config.attributes["connection"]
# SQLite cannot alter most things in place; batch mode rebuilds the table.
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, version_table="workflow_version"
)
with context.begin_transaction():
    context.run_migrations()
