"""Alembic's scripts. Each version is frozen once released; none reads schema.py."""
