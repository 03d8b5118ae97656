// Every address of the app. Pages but Home are loaded when they are first gone to.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouteComponent,
} from '@tanstack/react-router'
import { useSyncExternalStore } from 'react'
import { onToken, token } from '../logic/token'
import { HomePage } from '../pages/home'
import { SignInPage } from '../pages/sign-in'
import { Empty, Waiting, Wrong } from '../parts/page'
import { Shell } from './shell'

function Root() {
  const held = useSyncExternalStore(onToken, token)
  return held ? <Shell /> : <SignInPage />
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
  at('/', HomePage),
  at('/sign-in', HomePage),
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
])

export const router = createRouter({ routeTree: tree, defaultPreload: 'intent', scrollRestoration: true })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
