"""Which verb of `domain.roles` each route is. docs/roles.md is drawn from it, and a test asks every route as every
role.

It decides nothing: services do. None: no person is asked for, or every person whom we know may.
"""

from __future__ import annotations

from collections.abc import Mapping

from daypass.domain.roles import Verb

ANYBODY = ("healthz", "metrics", "authzen_configuration", "ticket_changed", "sign_in_with_token")
"""No token: they say nothing of anybody, or know their caller by a signature or by what they sign in with."""
KNOWN = ("who_am_i", "newest_checkpoint", "list_notices", "follow_changes")
"""Every person whom we know: what it answers is about the caller alone, or published."""

VERBS: Mapping[str, Verb | None] = {
    **dict.fromkeys((*ANYBODY, *KNOWN)),
    "evaluate_access": Verb.ASK,
    "evaluate_several": Verb.ASK,
    "submit_access_request": Verb.ASK,
    "show_access_request": Verb.SEE,
    "cancel_access_request": Verb.ANSWER,
    "list_targets": Verb.ASK,
    "how_to_connect": Verb.USE,
    "explain_policy": Verb.ASK,
    "ask_for_access": Verb.ASK,
    "list_requests": Verb.SEE,
    "show_request": Verb.SEE,
    "explain_request": Verb.SEE,
    "who_decides": Verb.SEE,
    "approve_request": Verb.DECIDE,
    "deny_request": Verb.DECIDE,
    "ask_requester": Verb.DECIDE,
    "answer_question": Verb.ANSWER,
    "withdraw_request": Verb.ANSWER,
    "list_grants": Verb.SEE,
    "show_grant": Verb.SEE,
    "activate_grant": Verb.USE,
    "hand_grant_back": Verb.USE,
    "revoke_grant": Verb.END,
    "extend_grant": Verb.USE,
    "close_grant": Verb.END,
    "list_sessions": Verb.SEE,
    "show_session": Verb.SEE,
    "kill_session": Verb.KILL,
    "get_recording": Verb.READ,
    "watch_session": Verb.READ,
    "list_statements": Verb.READ,
    "list_entries": Verb.SEE,
    "show_entry": Verb.SEE,
    "get_receipt": Verb.SEE,
    "search": Verb.READ,
    "open_entry": Verb.READ,
    "list_bodies": Verb.READ,
    "list_keys": Verb.KEEP_KEYS,
    "enrol_key": Verb.KEEP_KEYS,
    "revoke_key": Verb.KEEP_KEYS,
    "break_the_glass": Verb.ASK,
    "ratify_break_glass": Verb.DO_DUTY,
    "list_obligations": Verb.SEE_DUTY,
    "show_obligation": Verb.SEE_DUTY,
    "sign_off": Verb.DO_DUTY,
    "settle_follow_up": Verb.DO_DUTY,
    "ask_for_bundle": Verb.ASK,
    "show_bundle": Verb.SEE,
    "approve_bundle": Verb.DECIDE,
    "deny_bundle": Verb.DECIDE,
    "withdraw_bundle": Verb.ANSWER,
    "repeat_request": Verb.ANSWER,
    "list_favourites": Verb.ASK,
    "save_favourite": Verb.ASK,
    "ask_for_favourite": Verb.ASK,
    "remove_favourite": Verb.ASK,
    "propose_policy": Verb.CHANGE_POLICY,
    "list_proposals": Verb.SEE_PROPOSALS,
    "show_proposal": Verb.SEE_PROPOSALS,
    "approve_proposal": Verb.CHANGE_POLICY,
    "reject_proposal": Verb.CHANGE_POLICY,
    "retry_notice": Verb.RETRY,
    "set_lock": Verb.LOCK,
    "list_locks": Verb.SEE_LOCKS,
    "lift_lock": Verb.LOCK,
    "list_tokens": Verb.SEE_TOKENS,
    "make_token": Verb.KEEP_TOKENS,
    "revoke_tokens": Verb.REVOKE_TOKENS,
    "revoke_token": Verb.REVOKE_TOKENS,
    "sign_out": Verb.KEEP_TOKENS,
    "list_visits": Verb.KEEP_TOKENS,
    "end_visit": Verb.KEEP_TOKENS,
}
