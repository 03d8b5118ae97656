// Every address of the app. Pages but Home are loaded when they are first gone to. What Home and a recording wait for is
// asked for as soon as their address is known: while the page is loaded, and before it is known who asks.

import { useQuery } from '@tanstack/react-query'
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouteComponent,
} from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import * as asking from '../logic/asking'
import { queries } from '../logic/queries'
import { know, onSignedIn, signedIn } from '../logic/visit'
import { HomePage } from '../pages/home'
import { SignInPage } from '../pages/sign-in'
import { Empty, Waiting, Wrong } from '../parts/page'
import { Shell } from './shell'

function Root() {
  const known = useSyncExternalStore(onSignedIn, signedIn)
  const me = useQuery({ ...asking.me, enabled: known !== false })
  useEffect(() => {
    if (me.data) know(true)
  }, [me.data])
  if (location.pathname === '/password') return <Outlet />
  if (known === false) return <SignInPage />
  if (me.data) return <Shell />
  return me.error ? <Wrong error={me.error} again={() => void me.refetch()} /> : <Waiting />
}

const root = createRootRoute({
  component: Root,
  errorComponent: ({ error }) => <Wrong error={error} />,
  notFoundComponent: () => <Empty title="There is no such page">The address may be from another version.</Empty>,
})

const at = <Path extends string>(path: Path, component: RouteComponent) =>
  createRoute({ getParentRoute: () => root, path, component, pendingComponent: Waiting })

const texts = (search: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(search).map(([key, value]) => [key, String(value)]))

const withSearch = <Path extends string>(path: Path, component: RouteComponent) =>
  createRoute({
    getParentRoute: () => root,
    path,
    component,
    pendingComponent: Waiting,
    validateSearch: texts,
  })

function beginHome(): void {
  void queries.prefetchQuery(asking.grants('mine', true))
  void queries.prefetchInfiniteQuery(asking.requests('to-decide'))
  void queries.prefetchInfiniteQuery(asking.obligations(false))
  void queries.prefetchInfiniteQuery(asking.requests('mine'))
}

/** Who only points at a link has read nothing of the recording yet, and must not be said to have. */
function beginSession(id: string, { place = '0', n }: Record<string, string>, pointed: boolean): void {
  void queries.prefetchQuery(asking.session(id))
  if (pointed) return
  void queries.prefetchQuery(asking.parts(id, false))
  if (!n) void queries.prefetchQuery(asking.part(id, place))
}

const tree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: '/', component: HomePage, loader: beginHome }),
  at('/sign-in', HomePage),
  at('/signed-out', HomePage),
  withSearch(
    '/device',
    lazyRouteComponent(() => import('../pages/device'), 'DevicePage'),
  ),
  withSearch(
    '/catalogue',
    lazyRouteComponent(() => import('../pages/catalogue'), 'CataloguePage'),
  ),
  at(
    '/inbox',
    lazyRouteComponent(() => import('../pages/inbox'), 'InboxPage'),
  ),
  at(
    '/inbox/$id',
    lazyRouteComponent(() => import('../pages/inbox'), 'InboxPage'),
  ),
  withSearch(
    '/requests',
    lazyRouteComponent(() => import('../pages/requests'), 'RequestsPage'),
  ),
  at(
    '/requests/$id',
    lazyRouteComponent(() => import('../pages/request'), 'RequestPage'),
  ),
  withSearch(
    '/sessions',
    lazyRouteComponent(() => import('../pages/sessions'), 'SessionsPage'),
  ),
  createRoute({
    getParentRoute: () => root,
    path: '/sessions/$id',
    component: lazyRouteComponent(() => import('../pages/session'), 'SessionPage'),
    pendingComponent: Waiting,
    validateSearch: texts,
    loaderDeps: ({ search }) => search,
    loader: ({ params, deps, cause }) => beginSession(params.id, deps, cause === 'preload'),
  }),
  withSearch(
    '/console',
    lazyRouteComponent(() => import('../pages/console'), 'ConsolePage'),
  ),
  withSearch(
    '/search',
    lazyRouteComponent(() => import('../pages/search'), 'SearchPage'),
  ),
  withSearch(
    '/reviews',
    lazyRouteComponent(() => import('../pages/reviews'), 'ReviewsPage'),
  ),
  at(
    '/reviews/$id',
    lazyRouteComponent(() => import('../pages/reviews'), 'ReviewsPage'),
  ),
  withSearch(
    '/insights',
    lazyRouteComponent(() => import('../pages/insights'), 'InsightsPage'),
  ),
  withSearch(
    '/insights/$name',
    lazyRouteComponent(() => import('../pages/insights'), 'InsightsPage'),
  ),
  withSearch(
    '/policy',
    lazyRouteComponent(() => import('../pages/policy'), 'PolicyPage'),
  ),
  at(
    '/policy/edit/$name',
    lazyRouteComponent(() => import('../pages/policy-edit'), 'PolicyEditPage'),
  ),
  at(
    '/policy/proposals/$id',
    lazyRouteComponent(() => import('../pages/proposal'), 'ProposalPage'),
  ),
  at(
    '/log',
    lazyRouteComponent(() => import('../pages/log'), 'LogPage'),
  ),
  at(
    '/log/$index',
    lazyRouteComponent(() => import('../pages/log'), 'LogPage'),
  ),
  at(
    '/me',
    lazyRouteComponent(() => import('../pages/me'), 'MePage'),
  ),
  at(
    '/password',
    lazyRouteComponent(() => import('../pages/password'), 'PasswordPage'),
  ),
  at(
    '/admin',
    lazyRouteComponent(() => import('../pages/admin'), 'AdminPage'),
  ),
  withSearch(
    '/admin/$part',
    lazyRouteComponent(() => import('../pages/admin'), 'AdminPage'),
  ),
  at(
    '/admin/people/$email',
    lazyRouteComponent(() => import('../pages/admin'), 'AdminPage'),
  ),
  at(
    '/settings',
    lazyRouteComponent(() => import('../pages/settings'), 'SettingsPage'),
  ),
])

// Questions in addresses are plain words, as people write them: no JSON, no quotes around numbers.
const parseSearch = (text: string) => Object.fromEntries(new URLSearchParams(text))
function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return text && `?${text}`
}

export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
