// Why policy answers as it does: who asks for what, the answer, and every rule that was looked at on the way to it.

import { Autocomplete, Button, Checkbox, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import type { Explained } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { parseLength } from '../logic/times'
import { Answer, Empty } from './page'
import { State } from './state'

export type Question = {
  who?: string
  target?: string
  role?: string
  for?: string
  ticket?: string
  why?: string
  glass?: string
}

/** `text`: a changed policy to ask instead of what is in force. */
export function Explaining({
  asked,
  ask,
  text = '',
}: {
  asked: Question
  ask: (question: Question) => void
  text?: string
}) {
  const ready = Boolean(asked.who && asked.target && asked.role && parseLength(asked.for ?? '30m'))
  const found = useQuery({
    queryKey: ['policy', 'explain', asked, text],
    queryFn: () =>
      got(
        api.explainFor({
          body: {
            person: asked.who ?? '',
            target: asked.target ?? '',
            role: asked.role ?? '',
            duration_ms: parseLength(asked.for ?? '30m') ?? 0,
            ticket: asked.ticket ?? '',
            reason: asked.why ?? '',
            break_glass: asked.glass === 'yes',
            text,
          },
        }),
      ),
    enabled: ready,
  })
  return (
    <>
      <Form asked={asked} ask={ask} />
      {ready ? (
        <Answer of={found}>{(one) => <Why found={one} />}</Answer>
      ) : (
        <div className="card">
          <Empty title="Who, what, and for how long?">
            Policy is asked as if this person had asked now. Nothing is sent to anybody, and nothing is recorded.
          </Empty>
        </div>
      )}
    </>
  )
}

function Form({ asked, ask }: { asked: Question; ask: (question: Question) => void }) {
  const [given, setGiven] = useState<Question>(asked)
  const people = useQuery(asking.someone(given.who ?? ''))
  const targets = useQuery(asking.allTargets)
  const set = (more: Question) => setGiven({ ...given, ...more })
  const roles = targets.data?.find((one) => one.id === given.target)?.roles.map((one) => one.name) ?? []
  const lasts = given.for ?? '30m'
  return (
    <form
      className="fields card pad"
      aria-label="The question"
      onSubmit={(event) => {
        event.preventDefault()
        ask(Object.fromEntries(Object.entries({ ...given, for: lasts }).filter(([, value]) => value)))
      }}
    >
      <Autocomplete
        label="Who"
        placeholder="ana@acme.test"
        required
        data={people.data?.map((one) => one.email) ?? []}
        filter={({ options }) => options}
        value={given.who ?? ''}
        onChange={(who) => set({ who })}
      />
      <Select
        label="Target"
        required
        searchable
        data={targets.data?.map((one) => one.id) ?? []}
        value={given.target ?? null}
        onChange={(target) => set({ target: target ?? undefined, role: undefined })}
      />
      <Select
        label="Role"
        required
        data={roles}
        value={given.role ?? null}
        onChange={(role) => set({ role: role ?? undefined })}
      />
      <TextInput
        label="For how long"
        value={lasts}
        error={parseLength(lasts) === null ? '30m, 1h, 2d' : undefined}
        onChange={(event) => set({ for: event.currentTarget.value })}
      />
      <TextInput
        label="Ticket"
        value={given.ticket ?? ''}
        onChange={(event) => set({ ticket: event.currentTarget.value })}
      />
      <TextInput label="Reason" value={given.why ?? ''} onChange={(event) => set({ why: event.currentTarget.value })} />
      <Checkbox
        label="by breaking the glass"
        checked={given.glass === 'yes'}
        onChange={(event) => set({ glass: event.currentTarget.checked ? 'yes' : undefined })}
      />
      <Button type="submit" size="sm">
        Explain
      </Button>
    </form>
  )
}

const TONES = { AUTOMATIC: 'good', NEEDS_VOTES: 'wait', BREAK_GLASS: 'bad', REFUSED: 'bad' } as const

function Why({ found }: { found: Explained }) {
  return (
    <section className="card pad" aria-label="The answer">
      <p role="status" style={{ margin: '0 0 10px' }}>
        <State state={found.state} tone={TONES[found.state]} /> <b>{found.sentence}</b>
      </p>
      {found.trace.length === 0 && (
        <p className="small faint">No policy covers this target, so that nobody can ask for it.</p>
      )}
      <ol className="looked-at" aria-label="What was looked at">
        {found.trace.map((one) => {
          const fits = one.why_not === ''
          return (
            <li key={`${one.denial}${one.name}`}>
              {fits ? (
                <Check size={15} color="var(--good)" aria-label="fits" />
              ) : (
                <X size={15} color="var(--faint)" aria-label="does not fit" />
              )}
              <div>
                <b>{one.name}</b>{' '}
                <span className="faint tiny">
                  {one.denial ? 'denial, ' : ''}line {one.line}
                </span>
                <div className="small">{fits ? (one.denial ? 'it denies' : 'it fits, and decides') : one.why_not}</div>
                {one.parts.map((part) => (
                  <div key={part.source} className="small">
                    <code className="sql">{part.source}</code>{' '}
                    <span style={{ color: part.answer === 'yes' ? 'var(--good)' : 'var(--bad)' }}>{part.answer}</span>
                  </div>
                ))}
              </div>
            </li>
          )
        })}
      </ol>
      {found.asked.map((stage, n) => (
        <p key={stage.map((one) => one.id).join()} className="small">
          <b>{found.asked.length > 1 ? `Stage ${n + 1} asks` : 'Asks'}</b> {stage.map((one) => one.email).join(', ')}
        </p>
      ))}
    </section>
  )
}
