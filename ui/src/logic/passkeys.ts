// Passkeys in this browser: made, shown, and signing votes. What is sent to the server is what the authenticator said.

import type { AskedView, AssertionBody, NewPasskey, PasskeyView, RequestView } from '../client'
import * as api from '../client'
import { got, Refusal } from './api'

/** Whether this browser has passkeys at this address. They are for a name, and for no other. */
export function whyNot(rpId: string): string {
  if (!rpId) return 'There are no passkeys here: public_url in the settings is an address, and they need a name.'
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return 'This browser knows no passkeys.'
  if (location.hostname !== rpId) return `Passkeys are for ${rpId}: open this page there, and not at ${location.host}.`
  return ''
}

/** What went wrong at the authenticator, in words; browsers do not say more. */
function told(error: unknown): never {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'InvalidStateError') throw new Refusal(0, 'this authenticator has a passkey of yours already', '')
  if (name === 'NotAllowedError') {
    throw new Refusal(0, 'no passkey was shown', 'Try again, and confirm it on the device that has the passkey.')
  }
  if (name) throw new Refusal(0, `the passkey could not be used (${name})`, '')
  throw error
}

/** Have an authenticator make a passkey. */
export async function make(asked: AskedView, name: string): Promise<NewPasskey> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    asked.public_key as unknown as PublicKeyCredentialCreationOptionsJSON,
  )
  const made = (await navigator.credentials.create({ publicKey }).catch(told)) as PublicKeyCredential
  const answer = made.response as AuthenticatorAttestationResponse
  return {
    name,
    client_data: base64url(answer.clientDataJSON),
    attestation: base64url(answer.attestationObject),
    transports: answer.getTransports?.() ?? [],
  }
}

/** Have an authenticator answer what the server asks. */
export const show = (asked: AskedView): Promise<AssertionBody> =>
  get(
    PublicKeyCredential.parseRequestOptionsFromJSON(
      asked.public_key as unknown as PublicKeyCredentialRequestOptionsJSON,
    ),
  )

async function get(publicKey: PublicKeyCredentialRequestOptions): Promise<AssertionBody> {
  const shown = (await navigator.credentials.get({ publicKey }).catch(told)) as PublicKeyCredential
  const answer = shown.response as AuthenticatorAssertionResponse
  return {
    credential: base64url(shown.rawId),
    authenticator_data: base64url(answer.authenticatorData),
    client_data: base64url(answer.clientDataJSON),
    signature: base64url(answer.signature),
  }
}

export type Narrowing = { ms?: number | null; role?: string | null; scope?: string[] }

/** A vote on a request, signed: the challenge is the digest of the very line that SSH keys sign, and that is kept. */
export async function signVote(
  request: RequestView,
  decision: 'approve' | 'deny',
  narrowed: Narrowing,
  passkeys: PasskeyView[],
): Promise<{ statement: string; passkey: AssertionBody }> {
  const { note } = await got(api.newestCheckpoint())
  const said = statement(request, decision, narrowed, hex(crypto.getRandomValues(new Uint8Array(16))), note)
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(said))
  const passkey = await get({
    challenge,
    rpId: passkeys[0]?.rp_id,
    allowCredentials: passkeys.map((one) => ({
      type: 'public-key',
      id: bytes(one.credential),
      transports: one.transports as AuthenticatorTransport[],
    })),
    userVerification: 'required',
    timeout: 300_000,
  })
  return { statement: said, passkey }
}

/** The line that is signed: canonical JSON, as `daypass approve --sign` writes it. */
export function statement(
  request: Pick<RequestView, 'id' | 'digest' | 'decide_by'>,
  decision: 'approve' | 'deny',
  narrowed: Narrowing,
  nonce: string,
  checkpoint: string,
): string {
  const said = {
    checkpoint,
    deadline: request.decide_by,
    decision,
    digest: request.digest,
    narrowed_ms: narrowed.ms ?? 0,
    narrowed_role: narrowed.role ?? '',
    ...(narrowed.scope?.length ? { narrowed_scope: [...new Set(narrowed.scope)].sort() } : {}),
    nonce,
    request: request.id,
    v: 1,
  }
  return `${JSON.stringify(said)}\n` // the keys stand in their order
}

const hex = (data: Uint8Array): string => [...data].map((one) => one.toString(16).padStart(2, '0')).join('')

export const base64url = (data: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(data)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

export const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))
