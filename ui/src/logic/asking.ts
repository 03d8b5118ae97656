// Every question that pages put to the API, under the name that `live` knows it by.

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import * as api from '../client'
import { got } from './api'
import { BLOCK } from './cast'
import { now } from './clock'
import type { Schema } from './form'
import { type Asked, period } from './insights'
import { STORY_TYPES } from './story'

export const PAGE = 100
/** Open sessions that the list says the statement of; nobody reads more at once. */
const CURRENT_MAX = 200

export const me = queryOptions({ queryKey: ['me'], queryFn: () => got(api.whoAmI()), staleTime: Infinity })

export const targets = queryOptions({
  queryKey: ['targets'],
  queryFn: async () => (await got(api.listTargets())).items,
})

export const passkeys = queryOptions({ queryKey: ['passkeys'], queryFn: () => got(api.listPasskeys()) })

export const favourites = queryOptions({
  queryKey: ['favourites'],
  queryFn: async () => (await got(api.listFavourites())).items,
})

export const snippets = queryOptions({
  queryKey: ['snippets'],
  queryFn: async () => (await got(api.listSnippets())).items,
})

export type RequestsView = 'mine' | 'to-decide' | 'all'

export const requests = (view: RequestsView, limit = PAGE) =>
  infiniteQueryOptions({
    queryKey: ['requests', view, limit],
    queryFn: ({ pageParam }) => got(api.listRequests({ query: { view, limit, before: pageParam } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  })

export const request = (id: string) =>
  queryOptions({ queryKey: ['request', id], queryFn: () => got(api.showRequest({ path: { id } })) })

export const deciders = (id: string) =>
  queryOptions({ queryKey: ['request', id, 'deciders'], queryFn: () => got(api.whoDecides({ path: { id } })) })

/** What was asked like it before, and what hangs on it. */
export const similar = (id: string) =>
  queryOptions({ queryKey: ['request', id, 'similar'], queryFn: () => got(api.similarRequests({ path: { id } })) })

export const explained = (id: string) =>
  queryOptions({
    queryKey: ['request', id, 'explained'],
    queryFn: () => got(api.explainRequest({ path: { id } })),
    retry: false,
  })

export const grants = (view: 'mine' | 'all', live: boolean) =>
  queryOptions({
    queryKey: ['grants', view, live],
    queryFn: async () => (await got(api.listGrants({ query: { view, live, limit: PAGE } }))).items,
  })

export const grant = (id: string, request: string) =>
  queryOptions({ queryKey: ['request', request, 'grant', id], queryFn: () => got(api.showGrant({ path: { id } })) })

export const connecting = (target: string, role: string) =>
  queryOptions({
    queryKey: ['grants', 'connect', target, role],
    queryFn: () => got(api.howToConnect({ query: { target, role } })),
  })

export const sessions = (live: boolean) =>
  infiniteQueryOptions({
    queryKey: ['sessions', live],
    queryFn: ({ pageParam }) => got(api.listSessions({ query: { live, limit: PAGE, before: pageParam } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  })

export const sessionsOf = (grant: string, request: string) =>
  queryOptions({
    queryKey: ['request', request, 'sessions', grant],
    queryFn: async () => (await got(api.listSessions({ query: { grant, limit: PAGE } }))).items,
  })

export const session = (id: string) =>
  queryOptions({ queryKey: ['session', id], queryFn: () => got(api.showSession({ path: { id } })) })

/** What each open session is doing, by its id. */
export const current = queryOptions({
  queryKey: ['current'],
  queryFn: async () => {
    const found = (await got(api.listSessions({ query: { live: true, current: true, limit: CURRENT_MAX } }))).items
    return new Map(found.map((one) => [one.id, one.current]))
  },
})

/** Where the parts of a recording begin; of one that is over they stay as they are. */
export const parts = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ['parts', id, live],
    queryFn: async () => (await got(api.listParts({ path: { id } }))).items,
    staleTime: live ? 0 : Number.POSITIVE_INFINITY,
  })

export const part = (id: string, place: string) =>
  queryOptions({
    queryKey: ['parts', id, place],
    queryFn: () => got(api.showPart({ path: { id, after: Number(place) } })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })

/** What the log says of statements: of one block of them, so that of a million only those in sight are asked for. */
export const statements = (id: string, block: number) =>
  queryOptions({
    queryKey: ['statements', id, block],
    queryFn: async () => {
      const query = { first: block * BLOCK + 1, last: (block + 1) * BLOCK }
      return (await got(api.listStatements({ path: { id }, query }))).items
    },
  })

/** Entries of one page of a story: as many as the API gives at once. */
const STORY_PAGE = 1000

export const story = (request: string) =>
  infiniteQueryOptions({
    queryKey: ['story', request],
    queryFn: ({ pageParam: since }) =>
      got(api.listEntries({ query: { request, since, limit: STORY_PAGE, type: STORY_TYPES, said: true } })),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
  })

export const obligations = (everything: boolean) =>
  infiniteQueryOptions({
    queryKey: ['obligations', everything],
    queryFn: ({ pageParam }) => got(api.listObligations({ query: { everything, limit: PAGE, before: pageParam } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  })

export const obligation = (id: string) =>
  queryOptions({ queryKey: ['obligation', id], queryFn: () => got(api.showObligation({ path: { id } })) })

export const questions = queryOptions({
  queryKey: ['insights'],
  queryFn: async () => (await got(api.listInsights())).items,
  staleTime: Number.POSITIVE_INFINITY,
})

/** One question's answer without its rows. */
export const insight = (name: string, asked: Asked) =>
  queryOptions({
    queryKey: ['insight', name, asked],
    queryFn: () => got(api.askInsight({ path: { name }, query: { ...query(asked), limit: 1 } })),
    staleTime: INSIGHT_MS,
    refetchInterval: INSIGHT_MS,
  })

/** The rows behind a number, of exactly the period that it was of. */
export const insightRows = (name: string, by: string, only: string | null, since: number, until: number) =>
  infiniteQueryOptions({
    queryKey: ['insight-rows', name, by, only, since, until],
    queryFn: async ({ pageParam }) => {
      const asked = { since, until, by, only: only ?? undefined, skip: pageParam, limit: PAGE }
      const found = await got(api.askInsight({ path: { name }, query: asked }))
      return { items: found.rows, next: found.next }
    },
    initialPageParam: 0,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
    staleTime: Number.POSITIVE_INFINITY,
  })

const INSIGHT_MS = 60_000

const query = (asked: Asked) => ({
  ...period(asked, now()),
  by: asked.by || undefined,
  only: asked.only,
})

export const policies = queryOptions({
  queryKey: ['policy', 'in force'],
  queryFn: async () => (await got(api.listPolicies())).items,
  retry: false,
})

export const policyForm = queryOptions({
  queryKey: ['policy-form'],
  queryFn: async () => (await got(api.policySchema())) as Schema,
  staleTime: Number.POSITIVE_INFINITY,
})

export const proposals = infiniteQueryOptions({
  queryKey: ['policy', 'proposals'],
  queryFn: ({ pageParam }) => got(api.listProposals({ query: { limit: PAGE, before: pageParam } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.next ?? undefined,
})

export const proposal = (id: string) =>
  queryOptions({ queryKey: ['policy', 'proposal', id], queryFn: () => got(api.showProposal({ path: { id } })) })

export const allTargets = queryOptions({
  queryKey: ['targets', 'all'],
  queryFn: async () => (await got(api.listAllTargets())).items,
})

export const groups = queryOptions({
  queryKey: ['people', 'groups'],
  queryFn: async () => (await got(api.listGroups())).items,
})

/** Some of those whose address, name or group has this text. */
export const someone = (q: string) =>
  queryOptions({
    queryKey: ['people', 'some', q],
    queryFn: async () => (await got(api.listPeople({ query: { q, limit: 20 } }))).items,
  })
