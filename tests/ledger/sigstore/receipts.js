// Shows receipts to Sigstore's verifier (npm @sigstore/verify), which shares no line with Daypass.
//
//   node receipts.js VKEY < receipts      each line: {"proof": a .tlog-proof, "entry": base64 of the entry's bytes}
//
// For each line one line: `accepted SIZE`, or `refused` and why. Its functions for checkpoints and proofs are not exported
// by the package's front door, so they are taken from the files that hold them; package.json pins the version.
"use strict";

const crypto = require("node:crypto");
const readline = require("node:readline");
const { verifyCheckpoint } = require("@sigstore/verify/dist/tlog/checkpoint");
const { verifyMerkleInclusion } = require("@sigstore/verify/dist/tlog/merkle");

/** The log as Sigstore's trusted root would name it. Its `baseURL` is matched with the name in the signature line. */
function logOf(vkey) {
    const [, name, id, key] = /^(.+?)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
    const raw = Buffer.from(key, "base64").subarray(1);
    const jwk = { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") };
    return { baseURL: name, logID: Buffer.from(id, "hex"), publicKey: crypto.createPublicKey({ key: jwk, format: "jwk" }) };
}

/** A .tlog-proof and its entry as what Sigstore calls a log entry. */
function entryOf(proof, body) {
    const [, head, envelope] = /^([^]*?)\n\n([^]*)$/.exec(proof);
    const [magic, index, ...hashes] = head.split("\n");
    if (magic !== "c2sp.org/tlog-proof@v1") throw new Error("not a tlog-proof");
    const inclusionProof = {
        logIndex: /^index ([0-9]+)$/.exec(index)[1],
        hashes: hashes.map((hash) => Buffer.from(hash, "base64")),
        checkpoint: { envelope },
    };
    return { canonicalizedBody: body, inclusionProof };
}

function check(log, line) {
    const { proof, entry } = JSON.parse(line);
    const found = entryOf(proof, Buffer.from(entry, "base64"));
    const checkpoint = verifyCheckpoint(found, [log]);
    if (checkpoint.origin !== log.baseURL) throw new Error(`a checkpoint of ${checkpoint.origin}`);
    verifyMerkleInclusion(found, checkpoint);
    return checkpoint.logSize;
}

const log = logOf(process.argv[2]);
readline.createInterface({ input: process.stdin }).on("line", (line) => {
    try {
        console.log(`accepted ${check(log, line)}`);
    } catch (problem) {
        console.log(`refused ${problem.message.replaceAll("\n", " ")}`);
    }
});
