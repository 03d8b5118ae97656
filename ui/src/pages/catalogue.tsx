// What I may ask for, and asking: what will happen is said before anything is sent.

import { ActionIcon, Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search, Star, X } from 'lucide-react'
import type { FavouriteView, TargetView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { visible } from '../logic/inert'
import { matches } from '../logic/matching'
import { length } from '../logic/times'
import { AskForm, type Picked } from '../parts/ask'
import { Do, useDoing } from '../parts/doing'
import { Answer, Empty, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'

export function CataloguePage() {
  const search = useSearch({ strict: false }) as Record<string, string>
  const navigate = useNavigate()
  const targets = useQuery(asking.targets)
  const picked = (search.pick ?? '').split(',').filter(Boolean).map(readPick)
  const pick = (next: Picked[]) =>
    navigate({ to: '.', search: { ...search, pick: next.map(writePick).join(',') }, replace: true })
  return (
    <>
      <Heading
        title="Request access"
        lead="Pick what you need. Before you send it, you see who decides and what you will owe."
      />
      <div className="two">
        <div>
          <Favourites />
          <Answer of={targets}>
            {(found) => (
              <Targets
                targets={found}
                text={search.q ?? ''}
                type={(q) => navigate({ to: '.', search: { ...search, q }, replace: true })}
                picked={picked}
                pick={pick}
              />
            )}
          </Answer>
        </div>
        <aside className="card pad" aria-label="The request" style={{ position: 'sticky', top: 16 }}>
          {picked.length === 0 ? (
            <Empty title="Nothing picked yet">Pick a role on the left; pick several to ask for them at once.</Empty>
          ) : (
            <AskForm
              key={search.pick}
              picked={picked}
              drop={(one) => pick(picked.filter((each) => writePick(each) !== writePick(one)))}
              targets={targets.data ?? []}
            />
          )}
        </aside>
      </div>
    </>
  )
}

const writePick = (one: Picked): string => `${one.target}:${one.role}`
function readPick(text: string): Picked {
  const at = text.lastIndexOf(':')
  return { target: text.slice(0, at), role: text.slice(at + 1) }
}

type TargetsProps = {
  targets: TargetView[]
  text: string
  type: (text: string) => void
  picked: Picked[]
  pick: (next: Picked[]) => void
}

const SHOWN_MAX = 200

function Targets({ targets, text, type, picked, pick }: TargetsProps) {
  const found = targets.filter((target) => matches(target, text))
  return (
    <Section title="Targets" note={`${found.length} of ${targets.length}`}>
      <TextInput
        mb="sm"
        leftSection={<Search size={15} />}
        placeholder="name, or a label such as env=prod"
        aria-label="Find a target by its name or labels"
        value={text}
        onChange={(event) => type(event.currentTarget.value)}
      />
      <div className="card">
        {found.length === 0 && (
          <Empty title={targets.length ? 'No target is like that' : 'There is nothing that you may ask for'}>
            {targets.length
              ? 'Try fewer words: names and labels are looked through.'
              : 'Policies name who may ask for what. Whoever keeps them can add you to a group that may.'}
          </Empty>
        )}
        {found.slice(0, SHOWN_MAX).map((target) => (
          <TargetRow key={target.id} target={target} picked={picked} pick={pick} />
        ))}
        {found.length > SHOWN_MAX && (
          <p className="pad small faint">
            The first {SHOWN_MAX} are shown. Type more of a name or a label to find others.
          </p>
        )}
      </div>
    </Section>
  )
}

function TargetRow({ target, picked, pick }: { target: TargetView; picked: Picked[]; pick: TargetsProps['pick'] }) {
  return (
    <div className="row" style={{ alignItems: 'flex-start' }}>
      <div className="grow">
        <div style={{ display: 'flex', gap: 8, alignItems: 'center', flexWrap: 'wrap' }}>
          <span className="strong">
            <Said text={target.name} />
          </span>
          <span className="faint small">{target.protocol}</span>
          {target.state === 'GRANTED' && <State state="GRANTED" />}
          {Object.entries(target.labels).map(([key, value]) => (
            <span key={key} className="tiny faint mono">
              <Said text={`${key}=${value}`} />
            </span>
          ))}
        </div>
        {target.roles.map((role) => {
          const on = picked.some((one) => one.target === target.name && one.role === role.name)
          return (
            <div key={role.name} style={{ display: 'flex', gap: 10, alignItems: 'center', marginTop: 7 }}>
              <Button
                size="compact-xs"
                variant={on ? 'filled' : 'default'}
                aria-pressed={on}
                style={{ minWidth: 70 }}
                aria-label={`${target.name} as ${role.name}`}
                onClick={() =>
                  pick(
                    on
                      ? picked.filter((one) => one.target !== target.name || one.role !== role.name)
                      : [...picked, { target: target.name, role: role.name }],
                  )
                }
              >
                {role.name}
              </Button>
              <span className="small faint grow">
                {role.takes}
                {role.longest_ms ? `; at most ${length(role.longest_ms)}` : ''}
              </span>
            </div>
          )
        })}
      </div>
    </div>
  )
}

function Favourites() {
  const navigate = useNavigate()
  const favourites = useQuery(asking.favourites)
  const ask = useDoing(
    (one: FavouriteView) => got(api.askForFavourite({ path: { name: one.id }, body: {} })),
    (made) => void navigate({ to: `/requests/${made.id}` as '/' }),
  )
  if (favourites.error && !favourites.data) {
    return <Wrong error={favourites.error} again={() => void favourites.refetch()} />
  }
  if (!favourites.data?.length) return null
  return (
    <Section title="Favourites">
      <div className="card">
        {favourites.data.map((one) => (
          <div className="row" key={one.id}>
            <Star size={14} aria-hidden color="var(--wait)" />
            <span className="grow cut">
              <span className="strong">
                <Said line text={one.id} />
              </span>{' '}
              <span className="faint small">
                {one.target}:{one.role} for {length(one.duration_ms ?? 0)}
              </span>
            </span>
            <Button size="compact-xs" loading={ask.isPending} onClick={() => ask.mutate(one)} disabled={!one.reason}>
              Ask now
            </Button>
            <Do
              variant="subtle"
              color="gray"
              size="compact-xs"
              px={4}
              act={() => got(api.removeFavourite({ path: { name: one.id } }))}
            >
              <ActionIcon component="span" variant="transparent" size="xs" aria-label={`forget ${visible(one.id)}`}>
                <X size={13} />
              </ActionIcon>
            </Do>
          </div>
        ))}
      </div>
    </Section>
  )
}
