// What changes on the server is asked for anew here: one stream of changes for the whole app, and no reload ever.

import type { Query, QueryClient } from '@tanstack/react-query'
import { toldExactly } from './clock'
import { type Following, follow } from './events'

export type Changed = { now: number; types: string[]; requests: string[]; sessions: string[]; everything: boolean }

/** What each query hangs on: the nouns of events that have it asked anew. */
const OF: Record<string, string[]> = {
  requests: ['request', 'glass', 'grant'],
  grants: ['grant', 'request', 'lock', 'policy', 'glass', 'catalogue'],
  targets: ['grant', 'request', 'lock', 'policy', 'glass', 'catalogue', 'person', 'group'],
  preview: ['policy', 'catalogue', 'person', 'group'],
  me: ['person', 'group', 'groups', 'settings', 'catalogue'],
  sessions: ['session'],
  current: ['session', 'statement'],
  obligations: ['obligation', 'grant', 'glass'],
  obligation: ['obligation', 'grant', 'glass'],
  policy: ['policy', 'targets', 'groups'],
  people: ['person', 'group', 'groups'],
  locks: ['lock'],
  tokens: ['token', 'visit'],
  visits: ['visit'],
  passkeys: ['key', 'password', 'person'],
  vouching: ['key'],
  channels: ['channel', 'settings', 'notice'],
  untold: ['notice'],
}
/** These are of one thing, whose id stands behind the name. */
const OF_ONE: Record<string, 'requests' | 'sessions'> = {
  request: 'requests',
  story: 'requests',
  session: 'sessions',
  statements: 'sessions',
}

/** Which queries a change concerns. Their keys begin with one of these names, some with an id behind it. */
export function concerned(changed: Changed, key: readonly unknown[]): boolean {
  const [name, id] = key.map(String)
  // What was recorded stays as it is, and one part of it is a megabyte.
  if (changed.everything) return name !== 'parts'
  const one = OF_ONE[name ?? '']
  if (one) return changed[one].includes(id ?? '')
  const nouns = OF[name ?? ''] ?? []
  return changed.types.some((type) => nouns.includes(type.split('.')[0] ?? ''))
}

/** How long what a page has just asked for is good enough: the first word of the stream is that anything may have changed
 * before it, and to ask everything once more at once keeps the page from being drawn. */
const FRESH_MS = 1000

/** Asks anew what a change concerns. What is being asked already is asked once more when its answer is there: to begin
 * it anew each time would never let it end while much happens. */
export class Renewing {
  private late = new Set<string>()
  private first: ReturnType<typeof setTimeout> | undefined
  private leave: () => void

  constructor(private queries: QueryClient) {
    this.leave = queries.getQueryCache().subscribe(({ query, type }) => {
      if (type !== 'updated' || query.state.fetchStatus === 'fetching' || !this.late.delete(query.queryHash)) return
      void queries.invalidateQueries({ queryKey: query.queryKey, exact: true })
    })
  }

  stop(): void {
    clearTimeout(this.first)
    this.leave()
  }

  renew(changed: Changed): void {
    if (this.first === undefined && changed.everything) this.first = setTimeout(() => this.ask(changed), FRESH_MS)
    else this.ask(changed)
  }

  private ask(changed: Changed): void {
    const busy = (query: Query) => query.state.fetchStatus === 'fetching'
    const of = (query: Query) => concerned(changed, query.queryKey)
    for (const query of this.queries.getQueryCache().findAll({ predicate: of })) {
      if (busy(query)) this.late.add(query.queryHash)
    }
    void this.queries.invalidateQueries({ predicate: (query) => of(query) && !busy(query) })
  }
}

/** Follow the changes. `state` is told whether we hear the server. Returns how to stop. */
export function stayCurrent(queries: QueryClient, state: (state: Following) => void): () => void {
  const renewing = new Renewing(queries)
  const leave = follow({
    url: () => '/api/v1/changes',
    state,
    event: (event) => {
      const changed = JSON.parse(event.data) as Changed
      toldExactly(changed.now)
      if (changed.everything || changed.types.length > 0) renewing.renew(changed)
      return undefined
    },
  })
  return () => {
    leave()
    renewing.stop()
  }
}
