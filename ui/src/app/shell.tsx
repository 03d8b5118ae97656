// The frame around every page: where one can go, what waits, who one is, and whether the server is heard.

import { ActionIcon, Button, Drawer, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { Outlet, useRouterState } from '@tanstack/react-router'
import {
  ChartLine,
  CircleUser,
  ClipboardCheck,
  Ellipsis,
  Home,
  Inbox,
  KeyRound,
  LogOut,
  Moon,
  Scale,
  ScrollText,
  Search,
  Server,
  Settings2,
  ShieldCheck,
  SquareTerminal,
  Sun,
  Terminal,
} from 'lucide-react'
import { type ComponentType, useEffect, useState } from 'react'
import { signOut } from '../client'
import icon from '../icon.svg'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import type { Following } from '../logic/events'
import { stayCurrent } from '../logic/live'
import { know } from '../logic/visit'
import { told } from '../parts/doing'
import { To } from '../parts/to'

type Place = { to: string; name: string; icon: ComponentType<{ size?: number }>; count?: number }
type Group = { name: string; places: Place[] }

function usePlaces(): Group[] {
  const deciding = useInfiniteQuery(asking.requests('to-decide'))
  const owed = useInfiniteQuery(asking.obligations(false))
  const waiting = deciding.data?.pages[0]?.items.length
  const due = owed.data?.pages[0]?.items.length
  return [
    {
      name: '',
      places: [
        { to: '/', name: 'Home', icon: Home },
        { to: '/catalogue', name: 'Request access', icon: KeyRound },
        { to: '/inbox', name: 'Decisions', icon: Inbox, count: waiting },
        { to: '/console', name: 'SQL console', icon: SquareTerminal },
      ],
    },
    {
      name: 'The record',
      places: [
        { to: '/requests', name: 'Requests', icon: ScrollText },
        { to: '/sessions', name: 'Sessions', icon: Terminal },
        { to: '/search', name: 'Search', icon: Search },
        { to: '/reviews', name: 'Reviews', icon: ClipboardCheck, count: due },
        { to: '/insights', name: 'Insights', icon: ChartLine },
        { to: '/log', name: 'Transparency', icon: ShieldCheck },
      ],
    },
    {
      name: 'Running it',
      places: [
        { to: '/policy', name: 'Policy', icon: Scale },
        { to: '/admin', name: 'Administration', icon: Settings2 },
        { to: '/settings', name: 'My account', icon: CircleUser },
      ],
    },
  ]
}

/** One page of them is asked for. */
const counted = (count: number) => (count >= asking.PAGE ? `${asking.PAGE}+` : `${count}`)

function PlaceLink({ place, done }: { place: Place; done?: () => void }) {
  const Icon = place.icon
  return (
    <To to={place.to} className="place" exact={place.to === '/'} onClick={done}>
      <Icon size={16} aria-hidden />
      {place.name}
      {!!place.count && (
        <span className="count" role="img" aria-label={`${place.count} waiting`}>
          {counted(place.count)}
        </span>
      )}
    </To>
  )
}

function Places({ groups, done }: { groups: Group[]; done?: () => void }) {
  return (
    <nav aria-label="Pages">
      {groups.map((group) => (
        <div key={group.name} style={{ display: 'contents' }}>
          {group.name && <div className="group">{group.name}</div>}
          {group.places.map((place) => (
            <PlaceLink key={place.to} place={place} done={done} />
          ))}
        </div>
      ))}
    </nav>
  )
}

function LightSwitch() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const label = dark ? 'light colours' : 'dark colours'
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        {dark ? <Sun size={16} /> : <Moon size={16} />}
      </ActionIcon>
    </Tooltip>
  )
}

function Who() {
  const me = useQuery(asking.me)
  const queries = useQueryClient()
  async function leave(): Promise<void> {
    try {
      const done = await got(signOut({ body: {} }))
      queries.clear()
      know(false)
      if (done.elsewhere) location.assign(done.elsewhere)
    } catch (error) {
      told(error)
    }
  }
  return (
    <div className="who" style={{ display: 'flex', gap: 6, alignItems: 'center' }}>
      <Menu position="top-start" width={220}>
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            px={8}
            fullWidth
            justify="flex-start"
            styles={{ label: { color: 'var(--ink)' } }}
          >
            {me.data?.name ?? '…'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{me.data?.email}</Menu.Label>
          {me.data?.groups.map((group) => (
            <Menu.Label key={group} fw={400}>
              {group}
            </Menu.Label>
          ))}
          <Menu.Divider />
          <Menu.Item component={To} to="/me" leftSection={<KeyRound size={14} />}>
            My keys
          </Menu.Item>
          <Menu.Item leftSection={<LogOut size={14} />} onClick={() => void leave()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <LightSwitch />
    </div>
  )
}

function Phone({ groups }: { groups: Group[] }) {
  const [open, setOpen] = useState(false)
  const tabs = [...(groups[0]?.places.slice(0, 3) ?? []), ...(groups[1]?.places.slice(1, 2) ?? [])]
  return (
    <>
      <nav className="tabs-phone" aria-label="Main pages">
        {tabs.map((place) => (
          <To key={place.to} to={place.to} exact={place.to === '/'}>
            <place.icon size={19} aria-hidden />
            {place.name === 'Request access' ? 'Request' : place.name}
            {!!place.count && (
              <span className="count" role="img" aria-label={`${place.count} waiting`}>
                {counted(place.count)}
              </span>
            )}
          </To>
        ))}
        <button type="button" onClick={() => setOpen(true)}>
          <Ellipsis size={19} aria-hidden />
          More
        </button>
      </nav>
      <Drawer opened={open} onClose={() => setOpen(false)} position="right" size={260} title="Daypass">
        <Places groups={groups} done={() => setOpen(false)} />
        <Who />
      </Drawer>
    </>
  )
}

export function Shell() {
  const queries = useQueryClient()
  const [heard, setHeard] = useState<Following>('live')
  useEffect(() => stayCurrent(queries, setHeard), [queries])
  const groups = usePlaces()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const wide = ['/sessions/', '/console', '/search', '/policy'].some((start) => path.startsWith(start))
  return (
    <div className="frame">
      <a className="skip" href="#page">
        to the page
      </a>
      <aside className="side" aria-label="Navigation">
        <To to="/" className="brand">
          <img src={icon} width={24} height={24} alt="" />
          Daypass
        </To>
        <Places groups={groups} />
        <Who />
      </aside>
      <header className="top-phone">
        <To to="/" className="brand">
          <img src={icon} width={22} height={22} alt="" />
          Daypass
        </To>
      </header>
      <div style={{ minWidth: 0 }}>
        {heard === 'away' && (
          <div className="away" role="status">
            <Server size={13} style={{ verticalAlign: -2 }} aria-hidden /> Daypass does not answer. What you see may be
            old; it goes on by itself.
          </div>
        )}
        <main className="main" id="page" data-wide={wide || undefined}>
          <Outlet />
        </main>
      </div>
      <Phone groups={groups} />
    </div>
  )
}
