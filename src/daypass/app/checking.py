"""Is what the settings say good to run with? Asks the protocols and the policies, which the settings do not know.

Starts nothing, writes nothing, and needs no store.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daypass.app.witnessing import check_witnesses
from daypass.config import WEB, Address, Settings
from daypass.credentials.kinds import all_credentials
from daypass.domain.crowd import Crowd
from daypass.domain.errors import ConfigError, Invalid
from daypass.domain.people import Person
from daypass.domain.policy_set import PolicySet, load_policies
from daypass.domain.target import Target
from daypass.protocols import PROTOCOLS

POLICY_BYTES_MAX = 1 << 20
"""A longer policy file is not one that a person reviews."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Settings that are good to run with: targets with their ports, listeners for every protocol in use."""

    settings: Settings
    targets: Mapping[str, Target]
    listen: Mapping[str, Address]
    """By protocol name; the web listener is not among them."""
    policy_files: tuple[tuple[str, str], ...]
    policies: PolicySet


def check_settings(settings: Settings, now: int) -> Checked:
    """Raises ConfigError that names file, line and path."""
    for name in settings.listen:
        if name != WEB and name not in PROTOCOLS:
            raise settings.nodes[f"listen.{name}"].wrong(
                f"must be {WEB} or one of {', '.join(PROTOCOLS)}, not {name!r}"
            )
    targets = {
        target.name: _target(settings, f"targets[{n}]", target) for n, target in enumerate(settings.targets.values())
    }
    check_witnesses(settings)
    files = tuple((_shown(path, settings), read_policy_text(path)) for path in settings.policies)
    policies = load_policies(files, targets, offline_crowd(settings), now)
    return Checked(settings, targets, _listeners(settings, targets), files, policies)


def offline_people(settings: Settings) -> Sequence[Person]:
    """The listed people as policy sees them; their ids are their addresses, as no store was asked."""
    return [
        Person(one.email, one.email, one.name, one.groups, False, one.subject, one.agent_of) for one in settings.people
    ]


def offline_crowd(settings: Settings) -> Crowd:
    """The same people, with who owns which group."""
    return Crowd(offline_people(settings), settings.group_owners)


def _target(settings: Settings, path: str, target: Target) -> Target:
    protocol = PROTOCOLS.get(target.protocol)
    if protocol is None:
        known = ", ".join(PROTOCOLS)
        raise settings.nodes[f"{path}.protocol"].wrong(f"must be one of {known}, not {target.protocol!r}")
    whole = replace(target, port=target.port or protocol.target_port)
    try:
        protocol.check(whole)
        all_credentials().check(whole)
    except Invalid as problem:
        what = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        raise settings.nodes[path].wrong(what) from None
    return whole


def _listeners(settings: Settings, targets: Mapping[str, Target]) -> Mapping[str, Address]:
    """Those that are set, and the usual port of every protocol that a target speaks."""
    used = {target.protocol for target in targets.values()}
    usual = {name: Address("127.0.0.1", PROTOCOLS[name].port) for name in PROTOCOLS if name in used}
    return {**usual, **{name: address for name, address in settings.listen.items() if name != WEB}}


def bound(path: str, address: Address, settings: Settings) -> socket.socket:
    """A socket that listens on this address. Raises ConfigError if somebody else does already."""
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address.host, address.port))
    except OSError as problem:
        why = problem.strerror or str(problem)
        node = settings.nodes.get(path)
        said = f"cannot listen on {address}: {why}; choose another port"
        raise node.wrong(said) if node else ConfigError(f"{settings.file.name}: {path}: {said}") from None
    found.setblocking(False)
    return found


def read_policy_text(path: Path) -> str:
    """The text of a policy file. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(POLICY_BYTES_MAX + 1)
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {problem.start})") from None
    if len(text) > POLICY_BYTES_MAX:
        raise ConfigError(f"{path}: must be shorter than {POLICY_BYTES_MAX} bytes")
    return text


def _shown(path: Path, settings: Settings) -> str:
    beside = settings.file.parent
    return str(path.relative_to(beside)) if path.is_relative_to(beside) else str(path)
