"""Writes docs/roles.md from domain/roles.py and api/verbs.py: `.venv/bin/python scripts/roles_page.py`."""

from __future__ import annotations

from pathlib import Path

from daypass.api.verbs import VERBS
from daypass.api.web import make_api
from daypass.domain.roles import TABLE, USUAL, Role, Verb

PAGE = Path(__file__).parent.parent / "docs" / "roles.md"
HEAD = """\
# Roles

Who may do what in Daypass itself. This page is written by `scripts/roles_page.py` from the table that services decide
by (`src/daypass/domain/roles.py`); change it there. Every route is asked as every role, about things of one's own and
of others, in `tests/api/test_matrix.py`.

| role | who that is |
|---|---|
| requester | whoever asked for it, holds it, or owns the agent that does |
| approver | whom policy named for it: to decide, to be told of a broken glass, to sign off; nobody is it in general |
| target owner | stands under `owners` of the target |
| security, auditor, operator | those whom the settings say, over everything |
| provisioner | the service account under `identity.scim`, with a token of the scope `scim` ([SCIM](scim.md)) |

```yaml
identity:
  roles:                                   # groups and addresses; these are the defaults
    security: ["group:security"]
    auditor: ["group:auditors"]
    operator: ["group:operators"]
```

Roles add up: an auditor whom policy names as an approver is both. Two things do not follow from that:

- **Whoever is an operator reads no recording** but of their own sessions, whatever else they are. Who runs the machine
  can read its disk all the same: have bodies [encrypted](configuration.md) to recipients whose identity is not there.
- **Nobody decides on their own access, or signs it off**, with any role ([requests](requests-and-grants.md)).

What somebody may not see does not exist for them: the answer is 404, in the same words as for what is not there.

**Reading is on record.** Whoever reads what was said and done (a recording, its statements, search) is an entry
`recording.read` with the sessions, before they see it; of one reader and one session once in ten minutes. The requester
sees it among the entries of their request.

The operator's verbs at the machine (`serve`, `people`, `secret`, `erase`, `backup`, `ledger recover`) ask the operating
system who may: who can write the data directory. They are on record with the actor `operator`.
"""


def page() -> str:
    """The text of docs/roles.md."""
    parts = [HEAD, "\n## What each may do\n\n"]
    parts.append("| verb | what | " + " | ".join(Role) + " |\n|---|---" + "|---" * len(Role) + "|\n")
    for verb, row in TABLE.items():
        marks = " | ".join(_mark(verb, role) for role in Role)
        parts.append(f"| `{verb}` | {row.what} | {marks} |\n")
    parts.append("\n## Every route\n\n| route | verb |\n|---|---|\n")
    for path, methods in make_api(None).openapi()["paths"].items():
        for method, told in methods.items():
            verb = VERBS[told["operationId"]]
            parts.append(f"| `{method.upper()} {path}` | {f'`{verb}`' if verb else _open(told)} |\n")
    return "".join(parts)


def _mark(verb: Verb, role: Role) -> str:
    if role not in TABLE[verb].may:
        return ""
    return "all" if role in USUAL else "theirs"


def _open(told: dict[str, object]) -> str:
    return "every person, for themselves" if told.get("security") else "anybody"


if __name__ == "__main__":
    PAGE.write_text(page())
