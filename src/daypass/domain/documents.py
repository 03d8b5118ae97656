"""YAML that people write, read so that every complaint can name its file, line and path.

A `Node` is a value that knows where it stands. Its readers (`text`, `integer`, `mapping` ...) return plain values or
raise `ConfigError` in one line: file:line, path, and what would be right. It refuses what hides mistakes: unknown
keys, a key twice, aliases, and words that YAML turns into something else (`no`, `1:30`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml

from daypass.domain.durations import duration_ms, size_bytes
from daypass.domain.errors import ConfigError

T = TypeVar("T")

CHARACTERS_MAX = 4 * 1024 * 1024
"""A longer file is not one that a person wrote, and would take minutes to compose."""
DEPTH_MAX = 64
"""Deeper nesting is an attack on the parser's stack."""

_STR = "tag:yaml.org,2002:str"
_INT = "tag:yaml.org,2002:int"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_SIMPLE_KEY = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Node:
    """One value in a document. `file` is its name as shown, `path` its place (`targets[0].roles.read`), `line` from 1.

    `value` is a str (a scalar as written, of YAML type `tag`), a tuple of nodes, or a dict of nodes.
    """

    file: str
    path: str
    line: int
    tag: str
    value: str | tuple[Node, ...] | dict[str, Node]

    def wrong(self, problem: str) -> ConfigError:
        """The error that says what is wrong here. For the caller to raise."""
        return ConfigError(f"{self.file}:{self.line}: {self.path or 'the file'}: {problem}")

    def is_null(self) -> bool:
        return self.tag == _NULL

    def is_text(self) -> bool:
        return isinstance(self.value, str) and self.tag not in (_NULL, _BOOL)

    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    def mapping(self, known: Sequence[str] = (), *, needs: Sequence[str] = ()) -> Mapping[str, Node]:
        """The values by key. `known`: the only keys there may be (empty: any); `needs`: those that must be there.

        A key whose value is left empty counts as left out.
        """
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be a mapping{' with ' + ', '.join(known) if known else ''}, not {self._what()}")
        for key, node in self.value.items():
            if known and key not in known:
                raise node.wrong(f"unknown key; {_suggest(key, known)}")
        present = {key: node for key, node in self.value.items() if not node.is_null()}
        for key in needs:
            if key not in present:
                raise self.wrong(f"{key} is missing")
        return present

    def sequence(self) -> tuple[Node, ...]:
        if not isinstance(self.value, tuple):
            raise self.wrong(f"must be a list, not {self._what()}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.sequence())

    def text(self, pattern: re.Pattern[str] | None = None, right: str = "text") -> str:
        """The scalar as it was written, checked against `pattern`; `right` says in words what fits it."""
        if not isinstance(self.value, str) or self.tag in (_NULL, _BOOL):
            quote = ' (in quotes, if the word itself is meant: "no")' if self.tag == _BOOL else ""
            raise self.wrong(f"must be {right}, not {self._what()}{quote}")
        if not self.value or (pattern and not pattern.fullmatch(self.value)):
            raise self.wrong(f"must be {right}, not {_shown(self.value)}")
        return self.value

    def one_of(self, choices: Sequence[str]) -> str:
        if not isinstance(self.value, str) or self.value not in choices:
            raise self.wrong(f"must be one of {', '.join(choices)}, not {self._what()}")
        return self.value

    def flag(self) -> bool:
        if self.tag != _BOOL or not isinstance(self.value, str):
            raise self.wrong(f"must be true or false, not {self._what()}")
        return self.value.lower() in ("true", "yes", "on")

    def integer(self, low: int, high: int) -> int:
        if self.tag != _INT or not isinstance(self.value, str) or not re.fullmatch(r"-?[0-9]{1,18}", self.value):
            raise self.wrong(f"must be a whole number from {low} to {high}, not {self._what()}")
        if not low <= int(self.value) <= high:
            raise self.wrong(f"must be a whole number from {low} to {high}, not {self.value}")
        return int(self.value)

    def duration_ms(self) -> int:
        """A length of time in milliseconds, written as `30m`."""
        return self.read(duration_ms)

    def size_bytes(self) -> int:
        """A size in bytes, written as `64MiB`."""
        return self.read(size_bytes)

    def read(self, reader: Callable[[str], T]) -> T:
        """What `reader` makes of the text. Its ValueError says what would be right."""
        if not self.is_text() or not isinstance(self.value, str):
            raise self.wrong(f"must be text, not {self._what()}")
        try:
            return reader(self.value)
        except ValueError as problem:
            raise self.wrong(f"must be {problem}, not {_shown(self.value)}") from None

    def plain(self) -> Any:
        """The value as JSON would hold it: dicts, lists, str, int, float, bool, None."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return (
            yaml.safe_load(self.value)
            if self.tag != _STR and self.value
            else (self.value if self.tag == _STR else None)
        )

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of the file."""
        yield self
        below = self.value.values() if isinstance(self.value, dict) else self.value
        if not isinstance(below, str):
            for node in below:
                yield from node.walk()

    def _what(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, tuple):
            return "a list"
        return "nothing" if self.tag == _NULL else _shown(self.value)


def load(text: str, file: str) -> Node:
    """Read one YAML document. `file` is how complaints name it. Raises ConfigError."""
    if len(text) > CHARACTERS_MAX:
        raise ConfigError(f"{file}:1: the file: must be at most {CHARACTERS_MAX} characters, not {len(text)}")
    try:
        loader = _Loader(text)
        found = loader.get_single_node()
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise ConfigError(f"{file}:{line}: the file: is not YAML: {problem.problem or problem.context}") from None
    except (yaml.YAMLError, RecursionError) as problem:
        first = str(problem).splitlines()[0] if str(problem) else "it is nested too deeply"
        raise ConfigError(f"{file}:1: the file: is not YAML: {first}") from None
    if found is None:
        raise ConfigError(f"{file}:1: the file: is empty")
    return _node(found, file, "", 0)


class _Loader(yaml.SafeLoader):
    """Composes without aliases, as these can make a small file endless."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not taken here", problem_mark=mark)
        return super().compose_node(parent, index)


def _node(found: yaml.Node, file: str, path: str, depth: int) -> Node:
    line = found.start_mark.line + 1
    if depth > DEPTH_MAX:
        raise ConfigError(f"{file}:{line}: {path}: is nested more than {DEPTH_MAX} deep")
    if isinstance(found, yaml.MappingNode):
        return Node(file, path, line, found.tag, _pairs(found, file, path, depth))
    if isinstance(found, yaml.SequenceNode):
        items = tuple(_node(item, file, f"{path}[{n}]", depth + 1) for n, item in enumerate(found.value))
        return Node(file, path, line, found.tag, items)
    return Node(file, path, line, found.tag, found.value)


def _pairs(found: yaml.MappingNode, file: str, path: str, depth: int) -> dict[str, Node]:
    pairs: dict[str, Node] = {}
    for key_node, value in found.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(f"{file}:{line}: {path or 'the file'}: a key must be text")
        key = key_node.value
        shown = key if _SIMPLE_KEY.fullmatch(key) else f"'{key}'"
        place = f"{path}.{shown}" if path else shown
        if key in pairs:
            raise ConfigError(f"{file}:{line}: {place}: stands here twice (first in line {pairs[key].line})")
        node = _node(value, file, place, depth + 1)
        pairs[key] = Node(file, place, line, node.tag, node.value)
    return pairs


def _suggest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")
