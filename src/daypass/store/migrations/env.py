"""Run by Alembic for every migration: on the connection, and in the transaction, that `migrating.upgrade` brings."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
