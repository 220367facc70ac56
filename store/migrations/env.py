"""Runs the revisions on the connection that the store hands over."""

from alembic import context

from tenprint.store.schema import metadata

connection = context.config.attributes["connection"]
# SQLite cannot alter most things in place; batch mode rebuilds the table.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
