// One request as somebody sees it who decides: who, what, why, what is usual; then yes, less, no, or a question.

import { Button, Checkbox, Group, Modal, Select, Textarea, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { PasskeyView, RequestView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { signVote, whyNot } from '../logic/passkeys'
import { namesIn } from '../logic/scope'
import { length, parseLength } from '../logic/times'
import { useDoing } from './doing'
import { Limits } from './limits'
import { Answer, Empty, Wrong } from './page'
import { Said } from './said'
import { State } from './state'
import { TicketSays } from './ticket'
import { Ago, Left } from './time'
import { To } from './to'

type Verb = 'approve' | 'deny' | 'ask'
const OPEN = ['PENDING', 'NEEDS_INFO']
const RISKS = { LOW: 'good', MEDIUM: 'wait', HIGH: 'bad' } as const

export function Deciding({ id, onDone }: { id: string; onDone: () => void }) {
  const request = useQuery(asking.request(id))
  return (
    <article className="card pad" aria-label="The request">
      <Answer of={request}>{(found) => <Case request={found} onDone={onDone} />}</Answer>
    </article>
  )
}

function Case({ request, onDone }: { request: RequestView; onDone: () => void }) {
  const [verb, setVerb] = useState<Verb | null>(null)
  const open = OPEN.includes(request.state)
  useHotkeys(
    open && !verb
      ? [
          ['a', () => setVerb('approve')],
          ['d', () => setVerb('deny')],
          ['q', () => setVerb('ask')],
        ]
      : [],
  )
  return (
    <>
      <header style={{ display: 'flex', gap: 10, alignItems: 'center', flexWrap: 'wrap' }}>
        <h2 style={{ margin: 0, fontSize: '1.0625rem' }}>
          {request.requester.name} wants {request.target}:{request.role} for {length(request.duration_ms)}
        </h2>
        <State state={request.state} />
      </header>
      <blockquote className="quote" style={{ margin: '12px 0', fontSize: '0.9375rem' }}>
        <Said text={request.reason} />
      </blockquote>
      <Facts request={request} />
      <Talk request={request} />
      {open ? (
        <Group gap={8} mt="md" className="sticky-actions">
          <Button size="sm" onClick={() => setVerb('approve')}>
            Approve
          </Button>
          <Button size="sm" variant="default" onClick={() => setVerb('deny')}>
            Deny
          </Button>
          <Button size="sm" variant="default" onClick={() => setVerb('ask')}>
            Ask
          </Button>
          <To to={`/requests/${request.id}`} className="small" style={{ marginLeft: 'auto' }}>
            the whole story
          </To>
        </Group>
      ) : (
        <p className="small">
          Nothing is to be decided here any more. <To to={`/requests/${request.id}`}>The whole story</To>
        </p>
      )}
      <Former request={request} />
      {verb && <VerbDialogue verb={verb} request={request} close={() => setVerb(null)} onDone={onDone} />}
    </>
  )
}

function Facts({ request }: { request: RequestView }) {
  const deciders = useQuery(asking.deciders(request.id))
  const explained = useQuery(asking.explained(request.id))
  const alike = useQuery(asking.similar(request.id))
  const wait = deciders.data?.usual_wait_ms
  const unknown = alike.error ? <i>not known: see below</i> : <span aria-busy="true">…</span>
  return (
    <dl className="facts small">
      <dt>who</dt>
      <dd>
        {request.requester.email}
        {request.on_behalf_of ? ` for ${request.on_behalf_of.email}` : ''}
      </dd>
      <Limits of={request} />
      {request.ticket && (
        <>
          <dt>ticket</dt>
          <dd>
            <Said line text={request.ticket} />
            {alike.data && <TicketSays ticket={alike.data.ticket} problem={alike.data.ticket_problem} />}
          </dd>
        </>
      )}
      <dt>risk</dt>
      <dd>
        {alike.data ? (
          <>
            <State state={alike.data.risk} tone={RISKS[alike.data.risk]} />{' '}
            <span className="faint">{alike.data.risk_reasons.join('; ')}</span>
          </>
        ) : (
          unknown
        )}
      </dd>
      <dt>last time</dt>
      <dd>{alike.data ? <Said text={alike.data.last_time} /> : unknown}</dd>
      {request.extends && (
        <>
          <dt>extends</dt>
          <dd>a grant that is running now</dd>
        </>
      )}
      <dt>rule</dt>
      <dd>
        {request.rule} <span className="faint">in {request.policy}</span>
      </dd>
      <dt>takes</dt>
      <dd>{request.takes}</dd>
      {explained.data?.state === 'REFUSED' && (
        <>
          <dt>policy now</dt>
          <dd style={{ color: 'var(--bad)' }}>{explained.data.sentence}</dd>
        </>
      )}
      <dt>asked</dt>
      <dd>
        <Ago at={request.created_at} />; to be decided within <Left until={request.decide_by} over="no time" />
        {wait ? `; usually takes ${length(wait)}` : ''}
      </dd>
      {request.votes.length > 0 && (
        <>
          <dt>votes</dt>
          <dd>
            {request.votes.map((vote) => (
              <div key={vote.id}>
                {vote.person.name}: {vote.approve ? 'yes' : 'no'}
                {vote.signed_by && <span className="faint">, signed by {SIGNED_BY[vote.signed_by]}</span>}{' '}
                {vote.note && <Said line text={vote.note} />}
              </div>
            ))}
          </dd>
        </>
      )}
    </dl>
  )
}

function Talk({ request }: { request: RequestView }) {
  if (request.messages.length === 0) return null
  return (
    <div style={{ marginTop: 12 }}>
      {request.messages.map((one) => (
        <div key={`${one.at}${one.person.id}`} className="quote">
          <span className="strong">{one.person.name}</span>{' '}
          <span className="tiny faint">
            <Ago at={one.at} />
          </span>
          <div>
            <Said text={one.text} />
          </div>
        </div>
      ))}
    </div>
  )
}

/** How the same access was decided before: this person's requests first. */
function Former({ request }: { request: RequestView }) {
  const alike = useQuery(asking.similar(request.id))
  const similar = alike.data?.cases ?? []
  if (!alike.data) return alike.error ? <Wrong error={alike.error} again={() => void alike.refetch()} /> : null
  return (
    <section style={{ marginTop: 22 }} aria-label="Similar cases">
      <h3 style={{ margin: '0 0 4px' }}>The same access before</h3>
      {similar.length === 0 && <Empty title="This is the first time" />}
      {similar.map((one) => (
        <To
          key={one.id}
          to={`/requests/${one.id}`}
          className="small"
          style={{ display: 'flex', gap: 10, padding: '5px 0', alignItems: 'center' }}
        >
          <State state={one.state} />
          <span className="strong">{one.requester.name}</span>
          <span className="faint cut grow">
            <Said line text={one.reason} />
          </span>
          <span className="faint">{length(one.duration_ms)}</span>
          <span className="faint hide-phone">
            <Ago at={one.created_at} />
          </span>
        </To>
      ))}
    </section>
  )
}

const SIGNED_BY = { key: 'an SSH key', passkey: 'a passkey' }

type SigningOf = {
  passkeys: PasskeyView[]
  wanted: boolean
  must: boolean
  lacks: string
  set: (wanted: boolean) => void
}

/** Whether a vote on this request is signed by a passkey of mine: it has to be, or I want it. */
function useSigning(request: RequestView): SigningOf {
  const mine = useQuery(asking.passkeys)
  const [wanted, set] = useState(false)
  const passkeys = mine.data?.items.filter((one) => one.state === 'ENROLLED') ?? []
  const must = !!request.signed_by
  const problem = mine.data ? whyNot(mine.data.rp_id) : ''
  const lacks = !must || passkeys.length > 0 ? (must || wanted ? problem : '') : 'you have none'
  return { passkeys: problem ? [] : passkeys, wanted: must || wanted, must, lacks, set }
}

function Signing({ signing }: { signing: SigningOf }) {
  if (signing.lacks) {
    return (
      <p className="small" role="alert">
        This rule takes votes signed by a passkey, and {signing.lacks}. <To to="/me">Enrol one</To>, or sign with an SSH
        key where the rule takes one: <span className="mono">daypass approve --sign</span>
      </p>
    )
  }
  if (signing.must)
    return <p className="small faint">Your passkey signs exactly this vote, when you press the button.</p>
  if (signing.passkeys.length === 0) return null
  return (
    <Checkbox
      mt="xs"
      label="Sign the vote with my passkey"
      checked={signing.wanted}
      onChange={(event) => signing.set(event.currentTarget.checked)}
    />
  )
}

/** Somebody else was faster: who, and what that means for one's own vote. */
function Overtaken({ request, sent }: { request: RequestView; sent: boolean }) {
  const last = request.votes.at(-1)
  const decided = last && ['APPROVED', 'DENIED'].includes(request.state)
  return (
    <div className="problem" role="alert" data-tone="calm">
      <div className="strong">
        {decided ? (
          <>
            {last.person.name} {last.approve ? 'approved' : 'denied'} it <Ago at={last.at} />.
          </>
        ) : (
          <>It is {request.state.toLowerCase().replaceAll('_', ' ')} meanwhile.</>
        )}
      </div>
      <div className="hint">
        {sent ? 'You were a moment later, so your vote was not counted.' : 'You have not voted.'} Nothing is left to
        decide here.
      </div>
    </div>
  )
}

const TITLES = { approve: 'Approve', deny: 'Deny', ask: 'Ask' }

type DialogueProps = { verb: Verb; request: RequestView; close: () => void; onDone: () => void }

function VerbDialogue({ verb, request, close, onDone }: DialogueProps) {
  const deciders = useQuery(asking.deciders(request.id))
  const [note, setNote] = useState('')
  const [lasts, setLasts] = useState('')
  const [role, setRole] = useState<string | null>(null)
  const [parts, setParts] = useState('')
  const lesser = deciders.data?.lesser_roles ?? []
  const narrowed = lasts.trim() ? parseLength(lasts) : undefined
  const path = { id: request.id }
  const signing = useSigning(request)

  async function act(): Promise<unknown> {
    if (verb === 'ask') return got(api.askRequester({ path, body: { text: note.trim() } }))
    const scope = namesIn(parts)
    const given = verb === 'approve' ? { ms: narrowed, role, scope } : {}
    const signed = signing.wanted ? await signVote(request, verb, given, signing.passkeys) : {}
    const body = { digest: request.digest, note: note.trim(), ...signed }
    if (verb === 'deny') return got(api.denyRequest({ path, body }))
    return got(api.approveRequest({ path, body: { ...body, duration_ms: narrowed ?? null, role, scope } }))
  }

  const doing = useDoing(
    act,
    () => {
      notifications.show({ message: verb === 'ask' ? 'asked' : verb === 'deny' ? 'denied' : 'approved', color: 'day' })
      close()
      if (verb !== 'ask') onDone()
    },
    true,
  )
  const over = !OPEN.includes(request.state) && !doing.isPending && !doing.isSuccess
  const said = verb === 'approve' || note.trim() !== ''
  const ready = !over && said && narrowed !== null && (verb === 'ask' || !signing.lacks)
  return (
    <Modal
      opened
      onClose={close}
      title={`${TITLES[verb]}: ${request.target}:${request.role} for ${request.requester.name}`}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) doing.mutate(undefined)
        }}
      >
        {verb === 'approve' && (
          <Group grow mb="xs" align="flex-start">
            <TextInput
              label="For less time"
              placeholder={length(request.duration_ms)}
              value={lasts}
              error={narrowed === null ? '30m, 1h, 2d' : undefined}
              onChange={(event) => setLasts(event.currentTarget.value)}
            />
            <Select
              label="As a lesser role"
              placeholder={request.role}
              data={lesser}
              value={role}
              onChange={setRole}
              clearable
              disabled={lesser.length === 0}
            />
          </Group>
        )}
        {verb === 'approve' && !request.extends && (
          <TextInput
            mb="xs"
            label="For these parts only"
            placeholder={request.scope?.join(', ') || 'all of it; or public.orders, billing.*'}
            value={parts}
            onChange={(event) => setParts(event.currentTarget.value)}
          />
        )}
        <Textarea
          data-autofocus
          label={verb === 'ask' ? 'Your question' : verb === 'deny' ? 'Why not' : 'A note'}
          required={verb !== 'approve'}
          autosize
          minRows={2}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && ready) doing.mutate(undefined)
          }}
        />
        {verb === 'approve' && (
          <p className="tiny faint">
            Your vote is for exactly this request: <span className="mono">{request.digest.slice(0, 16)}…</span>
          </p>
        )}
        {verb !== 'ask' && !over && <Signing signing={signing} />}
        {over ? <Overtaken request={request} sent={doing.isError} /> : doing.isError && <Wrong error={doing.error} />}
        <Group justify="flex-end" mt="sm">
          <Button variant="default" onClick={close}>
            {over ? 'Close' : 'Cancel'}
          </Button>
          {!over && (
            <Button type="submit" loading={doing.isPending} disabled={!ready} color={verb === 'deny' ? 'alarm' : 'day'}>
              {TITLES[verb]}
            </Button>
          )}
        </Group>
      </form>
    </Modal>
  )
}
