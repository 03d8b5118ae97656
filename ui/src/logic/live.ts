// What changes on the server is asked for anew here: one stream of changes for the whole app, and no reload ever.

import type { QueryClient } from '@tanstack/react-query'
import { toldExactly } from './clock'
import { type Following, follow } from './events'

export type Changed = { now: number; types: string[]; requests: string[]; sessions: string[]; everything: boolean }

/** Which queries a change concerns. Their keys begin with one of these names, some with an id behind it. */
export function concerned(changed: Changed, key: readonly unknown[]): boolean {
  if (changed.everything) return true
  const [name, id] = key
  const of = (...nouns: string[]) => changed.types.some((type) => nouns.includes(type.split('.')[0] ?? ''))
  if (name === 'request' || name === 'story') return changed.requests.includes(String(id))
  if (name === 'session' || name === 'statements') return changed.sessions.includes(String(id))
  if (name === 'requests') return of('request', 'glass', 'grant')
  if (name === 'grants' || name === 'targets') return of('grant', 'request', 'lock', 'policy', 'glass')
  if (name === 'sessions') return of('session')
  if (name === 'obligations' || name === 'obligation') return of('obligation', 'grant', 'glass')
  if (name === 'policy') return of('policy')
  if (name === 'locks') return of('lock')
  if (name === 'tokens') return of('token')
  return false
}

/** Follow the changes. `state` is told whether we hear the server. Returns how to stop. */
export function stayCurrent(queries: QueryClient, state: (state: Following) => void): () => void {
  return follow({
    url: () => '/api/v1/changes',
    state,
    event: (event) => {
      const changed = JSON.parse(event.data) as Changed
      toldExactly(changed.now)
      if (changed.everything || changed.types.length > 0) {
        void queries.invalidateQueries({ predicate: (query) => concerned(changed, query.queryKey) })
      }
      return undefined
    },
  })
}
