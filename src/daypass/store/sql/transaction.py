"""All subjects in one transaction."""

from __future__ import annotations

from daypass.store.sql.counting import Counts
from daypass.store.sql.directory import Directory
from daypass.store.sql.due import Dues
from daypass.store.sql.duties import Duties
from daypass.store.sql.erasing import Erasing
from daypass.store.sql.locking import Locks
from daypass.store.sql.log import Log
from daypass.store.sql.nodes import Nodes
from daypass.store.sql.outbox import Outbox
from daypass.store.sql.requests import Grants, Requests
from daypass.store.sql.restoring import Restoring
from daypass.store.sql.searching import Search
from daypass.store.sql.sessions import Sessions
from daypass.store.sql.snippets import Snippets
from daypass.store.sql.visiting import Visits


class SqlTransaction(
    Directory,
    Requests,
    Grants,
    Sessions,
    Duties,
    Dues,
    Outbox,
    Nodes,
    Locks,
    Visits,
    Snippets,
    Log,
    Search,
    Counts,
    Erasing,
    Restoring,
):
    """Implements `store.interface.Transaction` on one connection; whoever made it commits or rolls back."""
