"""What people are told of: the kinds of notices. Settings choose among them (`only`), docs/telling.md lists them."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "decide": "You are asked to decide on a request, or to look at it again as it was changed.",
    "question": "A decider asked you something about your request.",
    "answer": "The requester answered.",
    "voted": "Somebody else decided; more are needed.",
    "closed": "A request that you were asked about is over, and how.",
    "decided": "What became of your request.",
    "told": "What became of a request whose rule names you in `tell`.",
    "started": "Access that was scheduled can be used now.",
    "ending_soon": "Your access ends soon.",
    "ended": "Access ended, or was never used and lapsed.",
    "killed": "One of your sessions was ended.",
    "end_unconfirmed": "The end of access could not be shown: it may still exist.",
    "glass.broken": "Somebody took access without a decision.",
    "glass.ratified": "Somebody stood for a broken glass.",
    "owed.sign_off": "Access is over and is to be signed off.",
    "owed.ratify": "A broken glass is to be ratified.",
    "overdue.sign_off": "A sign-off was not done in time; said again every day.",
    "overdue.ratify": "A ratification was not done in time; said again every day.",
    "flagged.sign_off": "A reviewer found something that needs a follow-up.",
    "flagged.ratify": "Somebody refused to stand for a broken glass.",
    "policy.changed": "The policies in force changed.",
    "targets.changed": "The targets or their roles changed.",
    "policy.proposed": "Somebody proposed a changed policy; it waits for a second person.",
    "policy.approved": "A proposed policy was approved and written.",
    "policy.rejected": "A proposed policy was rejected, or taken back.",
    "person.changed": "People, or their groups, changed.",
    "groups.changed": "Who owns which group changed.",
    "project.asked": "Somebody asked for access for you, in a project.",
    "credential.drift": "A target has a login or a connection that is not ours, or lacks one that is.",
    "ledger.recovered": "The ledger was rebuilt from what had been published.",
    "lock.set": "Security shut a person, a target or everything for a while.",
    "lock.lifted": "A lock was taken away before its time.",
    "key.enrolled": "A key or passkey was enrolled that your votes can be signed with.",
    "key.revoked": "One of your keys or passkeys was revoked.",
    "key.suspected": "A passkey's counter went back, so that it may have been copied; it was refused.",
    "password.changed": "Your password was set or changed.",
    "notice.failed": "Somebody could not be told; the channel has given up.",
    "task": "A task that another system asked for is over; goes only to who asked to be called back (docs/authzen.md).",
    "test": "A test of a channel.",
}

QUIET = frozenset({"voted", "closed"})
"""Kinds that change a message that is there already, and are not worth a new one to who never got it."""

CHOICES = frozenset({"decide", "answer", "voted"})
"""Kinds that a decider can act on, while the request waits."""
