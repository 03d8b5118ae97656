"""The HTTP of a witness, where its headers matter."""

from __future__ import annotations

from pathlib import Path

import httpx2

from daypass.api.witness import make_witness
from daypass.ledger.durable import Disk
from daypass.ledger.note import COSIGNATURE_V1, keypair
from daypass.ledger.witness import Witness, encode_submission
from tests.ledger.logs import Log

KEY, SIGNER = keypair("witness.test/one", b"\x09" * 32, COSIGNATURE_V1)


async def test_a_conflict_names_the_size_under_the_very_type_that_clients_compare(tmp_path: Path) -> None:
    log = Log(tmp_path / "log").grow(5)
    app = make_witness(Witness(KEY, SIGNER, {log.vkey.name: log.vkey}, tmp_path, Disk()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://witness.test") as client:
        answer = await client.post("/add-checkpoint", content=encode_submission(3, [], log.published[-1]))
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (409, "text/x.tlog.size", "0\n")
