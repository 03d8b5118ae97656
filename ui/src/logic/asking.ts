// Every question that pages put to the API, under the name that `live` knows it by.

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import * as api from '../client'
import { got } from './api'
import { STORY_TYPES } from './story'

export const PAGE = 100

export const me = queryOptions({ queryKey: ['me'], queryFn: () => got(api.whoAmI()), staleTime: Infinity })

export const targets = queryOptions({
  queryKey: ['targets'],
  queryFn: async () => (await got(api.listTargets())).items,
})

export const favourites = queryOptions({
  queryKey: ['favourites'],
  queryFn: async () => (await got(api.listFavourites())).items,
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

export const statements = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['statements', id],
    queryFn: ({ pageParam }) => got(api.listStatements({ path: { id }, query: { since: pageParam } })),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
  })

export const story = (request: string) =>
  queryOptions({
    queryKey: ['story', request],
    queryFn: async () => (await got(api.listEntries({ query: { request, limit: 1000, type: STORY_TYPES } }))).items,
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
