// The public API, through the client that is made from its description. Nothing else in the app talks to the server.

import type { Problem } from '../client'
import { client } from '../client/client.gen'
import { toldByHeader } from './clock'
import { visible } from './inert'
import { know, visit } from './visit'

/** What the server says no with: what is wrong, and what to do. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly hint: string,
  ) {
    super(detail)
  }
}

client.setConfig({ baseUrl: '' })

// The cookie alone changes nothing: no other site's page can send this header. Reading goes without, so that what the
// page asks for by itself (index.html) is what is asked for here.
const asked = new WeakMap<Request, number>()

client.interceptors.request.use((request) => {
  asked.set(request, visit())
  if (request.method !== 'GET') request.headers.set('X-Daypass-CSRF', '1')
  return request
})

client.interceptors.response.use((response, request) => {
  toldByHeader(response.headers.get('date'))
  // What was asked before somebody signed in, and is answered after it, says nothing of them.
  const now = asked.get(request) === visit() && !new URL(request.url).pathname.includes('/sign-in')
  if (response.status === 401 && now) know(false)
  return response
})

/** What stays as it came, to the byte: it is hashed or signed, sent back, or names a thing. Pages show it by `Said`. */
const KEPT = new Set(
  ['id', 'email', 'entry', 'leaf', 'digest', 'statement', 'said', 'content', 'value', 'values'].concat([
    'text',
    'present',
    'reason',
    'ticket',
    'scope',
    'wish',
    'labels',
  ]),
)

/** The same answer, with whatever would turn, hide or drive a text given its name: what people, databases and settings
 * say is inert wherever a page shows it. */
export function readable<T>(data: T): T {
  if (typeof data === 'string') return visible(data) as T
  if (data && typeof data === 'object') {
    const held = data as Record<string, unknown>
    for (const [key, value] of Object.entries(held)) if (!KEPT.has(key)) held[key] = readable(value)
  }
  return data
}

type Answer<T> = { data?: T; error?: unknown; response?: Response }

/** The data of an answer. Throws `Refusal` for everything else, the network's silence included. */
export async function got<T>(answer: Promise<Answer<T>>): Promise<T> {
  let found: Answer<T>
  try {
    found = await answer
  } catch {
    throw new Refusal(0, 'Daypass does not answer', 'Nothing was done. It is tried again as soon as it is back.')
  }
  if (found.response?.ok && found.data !== undefined) return readable(found.data)
  if (!found.response) {
    throw new Refusal(0, 'Daypass does not answer', 'Nothing was done. It is tried again as soon as it is back.')
  }
  const problem = found.error as Partial<Problem> | undefined
  throw new Refusal(
    found.response.status,
    problem?.detail ?? `the server answered ${found.response.status}`,
    problem?.hint ?? '',
  )
}
