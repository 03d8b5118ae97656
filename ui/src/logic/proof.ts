// Checking a receipt in the browser: the reader's own machine finds out whether an entry stands in the signed log.
// RFC 6962 hashes, C2SP tlog-proof and signed notes; Ed25519 and SHA-256 by WebCrypto. Nothing here asks the server.

export type Proof = { index: number; hashes: Uint8Array[]; checkpoint: string }
export type Checkpoint = { origin: string; size: number; root: Uint8Array; text: string; signatures: Signature[] }
export type Signature = { name: string; id: string; bytes: Uint8Array }
export type Vkey = { name: string; id: string; key: Uint8Array }
export type Step = { says: string; holds: boolean; detail: string }

const HASH_BYTES = 32

export const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))

export const leafHash = (entry: string): Promise<Uint8Array> => sha256(joined(Uint8Array.of(0), utf8(entry)))
const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Uint8Array> =>
  sha256(joined(Uint8Array.of(1), left, right))

/** Reads a `.tlog-proof`. Throws for what is none. */
export function parseProof(text: string): Proof {
  const [head, checkpoint] = split(text, '\n\n')
  const lines = head.split('\n')
  if (!lines[0]?.startsWith('c2sp.org/tlog-proof@v1')) throw new Error('this is no receipt')
  const at = lines.findIndex((line) => line.startsWith('index '))
  const index = Number(lines[at]?.slice('index '.length))
  if (at < 0 || !Number.isSafeInteger(index) || index < 0) throw new Error('the receipt names no index')
  const hashes = lines.slice(at + 1).map(bytesOf)
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new Error('a hash of the receipt has the wrong length')
  return { index, hashes, checkpoint }
}

/** Reads a signed note with a checkpoint in it. Throws for what is none. */
export function parseCheckpoint(note: string): Checkpoint {
  const end = note.lastIndexOf('\n\n')
  if (end < 0) throw new Error('the checkpoint is not signed')
  const text = note.slice(0, end + 1)
  const [origin, size, root] = text.split('\n')
  if (!origin || !/^\d+$/.test(size ?? '') || !root) throw new Error('the checkpoint cannot be read')
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .filter((line) => line.startsWith('— '))
    .map((line) => {
      const rest = line.slice(2)
      const at = rest.lastIndexOf(' ')
      const raw = bytesOf(rest.slice(at + 1))
      return { name: rest.slice(0, at), id: hex(raw.slice(0, 4)), bytes: raw.slice(4) }
    })
  return { origin, size: Number(size), root: bytesOf(root), text, signatures }
}

/** Reads a verifier key: `name+id+base64(01‖key)`. */
export function parseVkey(line: string): Vkey {
  const [, name, id, data] = /^(.+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\s*$/.exec(line) ?? []
  if (!name || !id || !data) throw new Error('the verifier key cannot be read')
  const raw = bytesOf(data)
  if (raw[0] !== 1 || raw.length !== 33) throw new Error('the verifier key is not an Ed25519 key')
  return { name, id, key: raw.slice(1) }
}

/** The root that this leaf and these hashes give (RFC 6962, 2.1.1). Throws if they cannot fit a tree of that size. */
export async function rootFrom(
  leaf: Uint8Array,
  index: number,
  size: number,
  hashes: Uint8Array[],
): Promise<Uint8Array> {
  if (index >= size) throw new Error('the entry is not in a tree of this size')
  let node = index
  let last = size - 1
  let hash = leaf
  for (const other of hashes) {
    if (last === 0) throw new Error('the receipt has too many hashes')
    if (node % 2 === 1 || node === last) {
      hash = await nodeHash(other, hash)
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2)
        last = Math.floor(last / 2)
      }
    } else hash = await nodeHash(hash, other)
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  if (last !== 0) throw new Error('the receipt has too few hashes')
  return hash
}

export const same = (one: Uint8Array, other: Uint8Array): boolean => hex(one) === hex(other)

/** Whether the checkpoint is signed with this key. Throws where the browser has no Ed25519. */
export async function signedBy(checkpoint: Checkpoint, vkey: Vkey): Promise<boolean> {
  const id = hex((await sha256(joined(utf8(`${vkey.name}\n`), Uint8Array.of(1), vkey.key))).slice(0, 4))
  if (id !== vkey.id) return false
  const found = checkpoint.signatures.find((one) => one.name === vkey.name && one.id === vkey.id)
  if (!found) return false
  const raw = vkey.key as Uint8Array<ArrayBuffer>
  const key = await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify'])
  const bytes = found.bytes as Uint8Array<ArrayBuffer>
  return crypto.subtle.verify('Ed25519', key, bytes, utf8(checkpoint.text) as Uint8Array<ArrayBuffer>)
}

/** The whole check, step by step, as people read it. Nothing after a step that does not hold is tried. */
export async function check(entry: string, index: number, receipt: string, vkeyLine: string): Promise<Step[]> {
  const done: Step[] = []
  const step = (says: string, holds: boolean, detail: string) => {
    done.push({ says, holds, detail })
    return holds
  }
  try {
    const leaf = await leafHash(entry)
    step('The entry’s leaf hash, computed here', true, hex(leaf))
    const proof = parseProof(receipt)
    if (!step('The receipt is for this place in the log', proof.index === index, `index ${proof.index}`)) return done
    const checkpoint = parseCheckpoint(proof.checkpoint)
    const root = await rootFrom(leaf, index, checkpoint.size, proof.hashes)
    const fits = same(root, checkpoint.root)
    if (!step(`${proof.hashes.length} hashes lead to the checkpoint’s root`, fits, hex(root))) return done
    const vkey = parseVkey(vkeyLine)
    if (!step('The checkpoint is of this log', vkey.name === checkpoint.origin, checkpoint.origin)) return done
    step(
      `It is signed with the log’s key, at ${checkpoint.size} entries`,
      await signedBy(checkpoint, vkey),
      vkeyLine.trim(),
    )
  } catch (problem) {
    step('The check could not be finished', false, problem instanceof Error ? problem.message : String(problem))
  }
  return done
}

function split(text: string, by: string): [string, string] {
  const at = text.indexOf(by)
  if (at < 0) throw new Error('this is no receipt')
  return [text.slice(0, at), text.slice(at + by.length)]
}
