// Every address of the app. Pages but Home are loaded when they are first gone to.

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
import { beginHome, beginSession } from '../logic/beginning'
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
    // Who only points at a link has read nothing of the recording yet, and must not be said to have.
    loader: ({ params, deps, cause }) => (cause === 'preload' ? undefined : beginSession(params.id, deps)),
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
  // What a page begins with is kept by `queries`, not here.
  defaultPreloadStaleTime: 0,
  // It is waited for so long, so that the page is drawn once, with everything in it.
  defaultPendingMs: 250,
  defaultPendingMinMs: 0,
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
