// One request, whole: what was asked, what became of it, who said what, how it ended, and the proof of each.

import { Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { GrantView, RequestView, SessionView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { visible } from '../logic/inert'
import { measuredSteps } from '../logic/story'
import { counted, length, measured } from '../logic/times'
import { Because, Do } from '../parts/doing'
import { GrantCard } from '../parts/grant'
import { Limits } from '../parts/limits'
import { Answer, Empty, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Story } from '../parts/story'
import { Ago, At, Left } from '../parts/time'
import { To } from '../parts/to'

const LIVE = ['READY', 'SCHEDULED', 'ACTIVE']
const UNDECIDED = ['PENDING', 'NEEDS_INFO']

export function RequestPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const request = useQuery(asking.request(id))
  return <Answer of={request}>{(found) => <Whole request={found} />}</Answer>
}

function Whole({ request }: { request: RequestView }) {
  const me = useQuery(asking.me)
  const mine = me.data?.id === request.requester.id
  const grant = useQuery({ ...asking.grant(request.grant ?? '', request.id), enabled: !!request.grant })
  return (
    <>
      <Heading
        title={
          request.extends
            ? `${length(request.duration_ms)} more of ${request.target}:${request.role}`
            : `${request.target}:${request.role} for ${length(request.duration_ms)}`
        }
        lead={<Said text={request.reason} />}
      >
        <State state={request.state} />
        {!mine && UNDECIDED.includes(request.state) && (
          <Button component={To} to={`/inbox/${request.id}`}>
            Decide
          </Button>
        )}
        {mine && UNDECIDED.includes(request.state) && (
          <Do variant="default" act={() => got(api.withdrawRequest({ path: { id: request.id } }))} said="taken back">
            Take back
          </Do>
        )}
        {mine && request.state === 'NEEDS_INFO' && (
          <Because
            title="Answer"
            label={visible(request.messages.at(-1)?.text ?? 'Your answer')}
            confirm="Answer"
            act={(text) => got(api.answerQuestion({ path: { id: request.id }, body: { text } }))}
          >
            Answer
          </Because>
        )}
        {!mine && grant.data && LIVE.includes(grant.data.state) && <Revoke grant={grant.data} />}
      </Heading>
      <div className="two">
        <div>
          <Section title="The story">
            <div className="card">
              <Story request={request} />
            </div>
          </Section>
          {request.grant && <Sessions grant={request.grant} request={request.id} />}
        </div>
        <aside>
          {mine && grant.data && LIVE.includes(grant.data.state) && (
            <Section title="Access">
              <GrantCard grant={grant.data} />
            </Section>
          )}
          <Section title="What was asked">
            <div className="card pad">
              <About request={request} />
            </div>
          </Section>
          {grant.error && !grant.data && <Wrong error={grant.error} again={() => void grant.refetch()} />}
          {grant.data && (
            <Section title="What became of it">
              <div className="card pad">
                <Became grant={grant.data} />
              </div>
            </Section>
          )}
        </aside>
      </div>
    </>
  )
}

function Revoke({ grant }: { grant: GrantView }) {
  return (
    <Because
      color="alarm"
      variant="outline"
      title={`Revoke ${grant.target}:${grant.role} of ${grant.person.name}`}
      label="Why"
      explain="All of its sessions end now; running work is rolled back."
      confirm="Revoke now"
      act={(reason) => got(api.revokeGrant({ path: { id: grant.id }, body: { reason } }))}
      said="revoked"
    >
      Revoke
    </Because>
  )
}

function About({ request }: { request: RequestView }) {
  return (
    <dl className="facts small">
      <dt>who</dt>
      <dd className="cut">{request.requester.email}</dd>
      {request.ticket && (
        <>
          <dt>ticket</dt>
          <dd>
            <Said line text={request.ticket} />
          </dd>
        </>
      )}
      {request.extends && <Extends grant={request.extends} />}
      <Limits of={request} />
      <dt>for</dt>
      <dd>
        {length(request.duration_ms)}
        {request.granted_ms !== request.duration_ms && ` (granted ${length(request.granted_ms)})`}
      </dd>
      <dt>rule</dt>
      <dd>
        {request.rule}
        <div className="faint tiny">{request.policy}</div>
      </dd>
      <dt>takes</dt>
      <dd>{request.takes}</dd>
      <dt>why</dt>
      <dd>
        <Why request={request.id} />
      </dd>
      {UNDECIDED.includes(request.state) && (
        <>
          <dt>decide in</dt>
          <dd>
            <Left until={request.decide_by} over="over" />
          </dd>
        </>
      )}
      {request.bundle && (
        <>
          <dt>part of</dt>
          <dd>a bundle</dd>
        </>
      )}
      {request.receipt && (
        <>
          <dt>receipt</dt>
          <dd>
            <a href={`${request.receipt}?wait=3s`} download={`${request.id}.tlog-proof`}>
              take it along
            </a>{' '}
            <span className="faint">(.tlog-proof, checked by anyone, offline)</span>
            <Proof request={request.id} />
          </dd>
        </>
      )}
      <dt>digest</dt>
      <dd className="mono tiny" style={{ overflowWrap: 'anywhere' }}>
        {request.digest}
      </dd>
    </dl>
  )
}

/** The access that is to last longer, and who has it. */
function Extends({ grant }: { grant: string }) {
  const found = useQuery(asking.grant(grant, ''))
  return (
    <>
      <dt>extends</dt>
      <dd>
        {found.data ? (
          <>
            <To to={`/requests/${found.data.request}`}>
              {found.data.target}:{found.data.role} for {length(found.data.duration_ms)}
            </To>{' '}
            of {found.data.person.name}
            {found.data.expires_at && (
              <>
                , until <At at={found.data.expires_at} />
              </>
            )}
          </>
        ) : (
          <span className="mono tiny">{grant}</span>
        )}
      </dd>
    </>
  )
}

/** Each rule that the policy in force looked at, and in what it fits or does not. */
function Why({ request }: { request: string }) {
  const found = useQuery(asking.explained(request))
  if (!found.data) return <span className="faint">{found.error ? 'policy does not cover it any more' : '…'}</span>
  return (
    <details>
      <summary>{found.data.sentence}</summary>
      <ol className="trace tiny">
        {found.data.trace.map((rule) => (
          <li key={`${rule.line}${rule.name}`}>
            <span className="strong">
              {rule.denial ? 'denial' : 'rule'} “{rule.name}”
            </span>{' '}
            {rule.why_not ? <span className="faint">does not fit: {rule.why_not}</span> : 'fits'}
            {rule.parts.map((part) => (
              <div key={part.source} className="mono">
                <Said line mono text={part.source} /> → {part.answer}
              </div>
            ))}
          </li>
        ))}
      </ol>
      <div className="tiny faint">By the policy that is in force now.</div>
    </details>
  )
}

/** Where the browser itself checks that the request stands in the log. */
function Proof({ request }: { request: string }) {
  const story = useInfiniteQuery(asking.story(request))
  const first = story.data?.pages[0]?.items[0]
  return first ? (
    <div>
      <To to={`/log/${first.index}`}>check its proof here</To>
    </div>
  ) : null
}

const TINTS = ['var(--accent)', 'var(--wait)', 'var(--good)', 'var(--calm)', 'var(--bad)']

function Became({ grant }: { grant: GrantView }) {
  const taken = measuredSteps(grant.ending)
  const total = taken.at(-1)?.ms ?? 0
  return (
    <>
      <dl className="facts small">
        <dt>state</dt>
        <dd>
          <State state={grant.state} />
        </dd>
        {grant.activated_at && (
          <>
            <dt>began</dt>
            <dd>
              <Ago at={grant.activated_at} />
            </dd>
          </>
        )}
        {grant.ended_at && (
          <>
            <dt>ended</dt>
            <dd>
              <Ago at={grant.ended_at} /> {grant.end_reason.replaceAll('_', ' ')}
              {grant.end_by ? ` by ${grant.end_by.name}` : ''}
            </dd>
            {grant.activated_at && (
              <>
                <dt>used</dt>
                <dd>
                  {length(grant.ended_at - grant.activated_at)} of {length(grant.duration_ms)}
                </dd>
              </>
            )}
          </>
        )}
      </dl>
      {taken.length > 0 && (
        <div style={{ marginTop: 12 }}>
          <div className="small">
            The end took <span className="strong">{measured(total)}</span>, step by step:
          </div>
          <div className="steps" aria-hidden="true">
            {taken.map((step, n) => (
              <i
                key={step.name}
                style={{
                  width: `${((step.ms - (taken[n - 1]?.ms ?? 0)) / Math.max(total, 0.001)) * 100}%`,
                  background: TINTS[n % TINTS.length],
                }}
              />
            ))}
          </div>
          <dl className="facts tiny">
            {taken.map((step) => (
              <div key={step.name} style={{ display: 'contents' }}>
                <dt>{step.name}</dt>
                <dd className="num">after {measured(step.ms)}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </>
  )
}

function Sessions({ grant, request }: { grant: string; request: string }) {
  const sessions = useQuery(asking.sessionsOf(grant, request))
  return (
    <Section title="Sessions" note={sessions.data?.length === asking.PAGE ? `the newest ${asking.PAGE}` : undefined}>
      <div className="card">
        <Answer of={sessions} rows={1}>
          {(found) =>
            found.length ? (
              found.map((one) => <SessionRow key={one.id} session={one} />)
            ) : (
              <Empty title="Nobody has connected with it" />
            )
          }
        </Answer>
      </div>
    </Section>
  )
}

function SessionRow({ session }: { session: SessionView }) {
  return (
    <To className="row" to={`/sessions/${session.id}`}>
      <State state={session.state} />
      <span className="grow cut">
        {counted(session.statements, 'statement')}{' '}
        <span className="faint">
          from <Said line text={session.client} />
        </span>
      </span>
      {session.recording === 'gap' && <State state="GAP" tone="bad" />}
      <span className="faint small">
        <Ago at={session.opened_at} />
      </span>
    </To>
  )
}
