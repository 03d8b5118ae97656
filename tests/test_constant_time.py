"""What could be guessed byte by byte is compared in constant time: read in the source, as no clock tells it reliably.

A comparison whose sides are named like a secret, or like what proves that somebody has one, is `hmac.compare_digest`;
each other one is listed below with why its time tells nothing. Codes that people type (of devices, of who is vouched
for) are looked up as they are, and are few guesses a minute for somebody who is signed in; passwords are argon2's, what
is sealed AES-GCM's, a cancel key the hash table's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "daypass"
GUARDED = re.compile(
    r"(?:^|_)(?:secret|password|token|cookie|bearer|csrf|verifier|sha256|hmac|mac|digest\(\)|hexdigest\(\)|seal|sealed"
    r"|mark|proof|signature|nonce|challenge|binding|bound|stored_key|client_key|server_key|cancel_key)$"
)
COMPARED = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)

LOOKED_UP = "the store's index finds by the SHA-256 of 190 random bits: how far two agree is no way to a third"
AN_ID = "the id of a token, which is shown in lists and opens nothing"
PUBLIC = "a digest of what both sides may read"

HARMLESS = {
    ("api/proposing.py", "mapping.digest(present) != one.was"): PUBLIC,
    ("api/trying.py", "mapping.digest(text) == digests[one.name]"): PUBLIC,
    ("cli/unlocking.py", "sha256(stored).hexdigest() != one['id']"): PUBLIC,
    ("domain/passkey_signature.py", "data[:32] != hashlib.sha256(rp_id.encode()).digest()"): PUBLIC,
    (
        "domain/passkey_signature.py",
        "said.get('challenge') != encode(challenge)",
    ): "the browser was given it to be signed",
    ("ledger/bodies.py", "sha256(stored).hexdigest() in names_of(entry)"): PUBLIC,
    ("protocols/postgres/scram.py", "mechanism not in offered(self.binding)"): "the names of mechanisms, as offered",
    ("services/consoles.py", "one.token == token"): AN_ID,
    ("services/departing.py", "waiting.get(id) != mark"): "two marks of our own, both from the store",
    ("services/proposing.py", "_digest(await self._files.present(found.policy)) != found.was"): PUBLIC,
    ("services/revoking.py", "one.token == token.id"): AN_ID,
    ("services/revoking.py", "one.token in ids"): AN_ID,
    ("services/signing.py", "given.signature in change.counted"): "signatures that hold already, and stand in the log",
    ("services/visiting.py", "one.token == token.id"): AN_ID,
    ("store/sql/people.py", "tokens.c.id == token"): AN_ID,
    ("store/sql/people.py", "tokens.c.sha256 == sha256"): LOOKED_UP,
    ("store/sql/sessions.py", "tokens.c.id == sessions.c.token"): AN_ID,
    ("store/sql/visiting.py", "visits.c.verifier == verifier"): LOOKED_UP,
}


def names(side: ast.expr) -> Iterator[str]:
    """What a side of a comparison is called, its parts too; of what is only measured or looked at, nothing."""
    match side:
        case ast.Name(id=name):
            yield name.lstrip("_")
        case ast.Attribute(value=value, attr=name):
            yield name.lstrip("_")
            if name in ("encode", "digest", "hexdigest"):
                yield from names(value)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
            yield name
        case ast.Subscript(value=value):
            yield from names(value)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            yield name
        case ast.Call(func=ast.Name(id="len")):
            pass
        case ast.Call(func=function, args=arguments):
            yield from (f"{name}()" for name in names(function))
            for one in (function, *arguments):
                yield from names(one)
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for one in parts:
                yield from names(one)


def is_guarded(*sides: ast.expr) -> bool:
    return any(GUARDED.search(name) for side in sides for name in names(side))


def is_comparison(node: ast.AST) -> bool:
    """Whether it compares with something that does not stand in the source itself."""
    match node:
        case ast.Compare(left=left, ops=operators, comparators=others):
            constant = any(isinstance(one, ast.Constant) for one in (left, *others))
            return not constant and any(isinstance(one, COMPARED) for one in operators)
        case ast.Call(func=function):
            return ast.unparse(function).endswith("compare_digest")
    return False


def comparisons() -> Iterator[tuple[str, ast.AST]]:
    """Every comparison of the source and the file it is in, those in constant time too."""
    for path in sorted(SOURCE.rglob("*.py")):
        nodes = filter(is_comparison, ast.walk(ast.parse(path.read_text())))
        yield from ((str(path.relative_to(SOURCE)), node) for node in nodes)


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        (file, ast.unparse(node))
        for file, node in comparisons()
        if isinstance(node, ast.Compare) and is_guarded(node.left, *node.comparators)
    }
    assert found == HARMLESS.keys()


def test_no_constant_time_comparison_could_become_another_one_unseen() -> None:
    calls = [(file, node) for file, node in comparisons() if isinstance(node, ast.Call)]
    assert len(calls) >= 11
    assert [f"{file}: {ast.unparse(node)}" for file, node in calls if not is_guarded(*node.args)] == []
