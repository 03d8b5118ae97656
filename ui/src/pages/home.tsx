// Home: what I may reach now and how, what waits for me, what I asked lately.

import { Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { RotateCcw } from 'lucide-react'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { length } from '../logic/times'
import { Do } from '../parts/doing'
import { GrantCard } from '../parts/grant'
import { Answer, Empty, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago, Left } from '../parts/time'
import { To } from '../parts/to'

const LATELY = 8
/** Of each kind: the pages have all of them. */
const WAITING_SHOWN = 10

export function HomePage() {
  const me = useQuery(asking.me)
  return (
    <>
      <Heading title={me.data ? `Hello, ${me.data.name}` : 'Home'} tab="Home">
        <Button component={To} to="/catalogue">
          Request access
        </Button>
      </Heading>
      <MyAccess />
      <Waiting />
      <Lately />
    </>
  )
}

function MyAccess() {
  const grants = useQuery(asking.grants('mine', true))
  return (
    <Section title="My access now">
      <Answer of={grants}>
        {(found) =>
          found.length === 0 ? (
            <div className="card">
              <Empty title="You can reach nothing at the moment">
                That is how it should be between two pieces of work. Ask for what you need, for as long as you need it.
              </Empty>
            </div>
          ) : (
            <div className="grid-cards">
              {found.map((grant) => (
                <GrantCard key={grant.id} grant={grant} />
              ))}
            </div>
          )
        }
      </Answer>
    </Section>
  )
}

function Waiting() {
  const deciding = useInfiniteQuery(asking.requests('to-decide'))
  const owed = useInfiniteQuery(asking.obligations(false))
  const mine = useInfiniteQuery(asking.requests('mine'))
  const me = useQuery(asking.me)
  const decisions = deciding.data?.pages[0]?.items ?? []
  const duties = owed.data?.pages[0]?.items ?? []
  const questions = (mine.data?.pages[0]?.items ?? []).filter(
    (one) => one.state === 'NEEDS_INFO' && one.messages.at(-1)?.person.id !== me.data?.id,
  )
  const broken = [deciding, owed, mine].find((one) => one.error && !one.data)
  const count = decisions.length + duties.length + questions.length
  if (count === 0 && !broken) return null
  return (
    <Section title="Waits for me" note={`${count}${deciding.hasNextPage || owed.hasNextPage ? ' and more' : ''}`}>
      {broken && <Wrong error={broken.error} again={() => void broken.refetch()} />}
      <div className="card">
        {questions.map((one) => (
          <To key={one.id} className="row" to={`/requests/${one.id}`}>
            <State state="QUESTION" tone="wait" />
            <span className="grow cut">
              <Said line text={one.messages.at(-1)?.text ?? ''} />
            </span>
            <span className="faint small hide-phone">{one.target}</span>
          </To>
        ))}
        {decisions.slice(0, WAITING_SHOWN).map((one) => (
          <To key={one.id} className="row" to={`/inbox/${one.id}`}>
            <State state="DECIDE" tone="wait" />
            <span className="grow cut">
              <b>{one.requester.name}</b> wants {one.target}:{one.role} for {length(one.duration_ms)}:{' '}
              <Said line text={one.reason} />
            </span>
            <span className="faint small num">
              <Left until={one.decide_by} over="over" />
            </span>
          </To>
        ))}
        {duties.slice(0, WAITING_SHOWN).map((one) => (
          <To key={one.id} className="row" to={`/reviews/${one.id}`}>
            <State state={one.kind} tone={one.state === 'OVERDUE' ? 'bad' : 'wait'} />
            <span className="grow cut">
              what {one.person.name} did{one.drill ? ' in an exercise' : ''}
            </span>
            <span className="faint small">
              due <Ago at={one.due_at} />
            </span>
          </To>
        ))}
        {decisions.length > WAITING_SHOWN && (
          <To className="row small" to="/inbox">
            more decisions
          </To>
        )}
        {duties.length > WAITING_SHOWN && (
          <To className="row small" to="/reviews">
            more reviews
          </To>
        )}
      </div>
    </Section>
  )
}

function Lately() {
  const mine = useInfiniteQuery(asking.requests('mine'))
  return (
    <Section title="Asked lately" note={<To to="/requests">all</To>}>
      <div className="card">
        <Answer of={mine}>
          {(found) => {
            const lately = found.pages.flatMap((page) => page.items).slice(0, LATELY)
            if (lately.length === 0) {
              return (
                <Empty title="You have asked for nothing yet">
                  What you ask for stays here, so that asking again is one click.
                </Empty>
              )
            }
            return lately.map((one) => (
              <div className="row lately" key={one.id}>
                <State state={one.state} />
                <To className="grow cut" to={`/requests/${one.id}`}>
                  <span className="strong">
                    {one.target}:{one.role}
                  </span>{' '}
                  <span className="faint">
                    <Said line text={one.reason} />
                  </span>
                </To>
                <span className="faint small hide-phone">{length(one.duration_ms)}</span>
                <span className="faint small hide-phone">
                  <Ago at={one.created_at} />
                </span>
                <Do
                  variant="subtle"
                  size="compact-xs"
                  leftSection={<RotateCcw size={13} />}
                  act={() => got(api.repeatRequest({ path: { id: one.id }, body: {} }))}
                  said={`asked again for ${one.target}:${one.role}`}
                >
                  Ask again
                </Do>
              </div>
            ))
          }}
        </Answer>
      </div>
    </Section>
  )
}
