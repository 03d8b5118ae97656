// The form that asks: one thing, or several at once. What policy will do is asked first, and shown.

import { ActionIcon, Button, Checkbox, SegmentedControl, Textarea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { useState } from 'react'
import type { PreviewView, TargetView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { namesIn } from '../logic/scope'
import { length, parseLength } from '../logic/times'
import { useDoing } from './doing'
import { Wrong } from './page'
import { State } from './state'
import { useStill } from './still'
import { TicketSays } from './ticket'

export type Picked = { target: string; role: string }
type Props = { picked: Picked[]; drop: (one: Picked) => void; targets: TargetView[] }

const LENGTHS = ['15m', '30m', '1h', '4h']
const TYPING_MS = 250

export function AskForm({ picked, drop, targets }: Props) {
  const navigate = useNavigate()
  const [lasts, setLasts] = useState('30m')
  const [reason, setReason] = useState('')
  const [ticket, setTicket] = useState('')
  const [glass, setGlass] = useState(false)
  const [favourite, setFavourite] = useState('')
  const [parts, setParts] = useState('')
  const duration = parseLength(lasts)
  const only = picked.length === 1 ? picked[0] : undefined
  const takes = targets.find((each) => each.name === only?.target)?.roles.find((each) => each.name === only?.role)
  const canBreak = takes?.takes.includes('glass') ?? false
  const ready = duration !== null && reason.trim() !== ''

  async function send(): Promise<string> {
    const wish = { duration_ms: duration ?? 0, reason: reason.trim(), ticket: ticket.trim() }
    const scope = namesIn(parts)
    if (!only) return (await got(api.askForBundle({ body: { items: picked, ...wish } }))).requests[0]?.id ?? ''
    if (favourite.trim()) {
      await got(api.saveFavourite({ body: { ...only, ...wish, scope, name: favourite.trim() } }))
    }
    if (glass) return (await got(api.breakTheGlass({ body: { ...only, ...wish } }))).id
    return (await got(api.askForAccess({ body: { ...only, ...wish, scope } }))).id
  }

  const sending = useDoing(
    send,
    (id) => {
      notifications.show({ message: 'sent', color: 'day' })
      void navigate({ to: `/requests/${id}` as '/' })
    },
    true,
  )

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (ready) sending.mutate(undefined)
      }}
    >
      <h2 style={{ margin: '0 0 8px' }}>{picked.length > 1 ? `${picked.length} things at once` : 'The request'}</h2>
      {picked.map((one) => (
        <div key={`${one.target}:${one.role}`} style={{ display: 'flex', alignItems: 'center', marginBottom: 4 }}>
          <span className="strong grow cut">
            {one.target}:{one.role}
          </span>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`without ${one.target}:${one.role}`}
            onClick={() => drop(one)}
          >
            <X size={14} />
          </ActionIcon>
        </div>
      ))}
      <TextInput
        mt="xs"
        label="For how long"
        value={lasts}
        error={duration === null ? 'for example 30m, 1h, 2d' : undefined}
        onChange={(event) => setLasts(event.currentTarget.value)}
      />
      <SegmentedControl
        mt={6}
        size="xs"
        fullWidth
        aria-label="Usual lengths"
        value={lasts}
        onChange={setLasts}
        data={LENGTHS}
      />
      <Textarea
        mt="xs"
        label="Why"
        required
        autosize
        minRows={3}
        maxRows={10}
        placeholder="What you are going to do, and what for"
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <TextInput
        mt="xs"
        label="Ticket"
        placeholder="INC-7"
        value={ticket}
        onChange={(event) => setTicket(event.currentTarget.value)}
      />
      {only && !glass && (
        <TextInput
          mt="xs"
          label="These parts only"
          placeholder="all of it; or public.orders, billing.*"
          value={parts}
          onChange={(event) => setParts(event.currentTarget.value)}
        />
      )}
      {only && (
        <TextInput
          mt="xs"
          label="Keep as a favourite called"
          placeholder="a-short-name; not kept without"
          value={favourite}
          onChange={(event) => setFavourite(event.currentTarget.value)}
        />
      )}
      {canBreak && (
        <Checkbox
          mt="sm"
          size="sm"
          color="alarm"
          label="Break the glass: access now, and somebody has to stand for it afterwards"
          checked={glass}
          onChange={(event) => setGlass(event.currentTarget.checked)}
        />
      )}
      <Preview picked={picked} asking={{ duration, reason, ticket, glass, parts: only && !glass ? parts : '' }} />
      {sending.isError && <Wrong error={sending.error} />}
      <Button
        type="submit"
        fullWidth
        size="sm"
        mt="sm"
        color={glass ? 'alarm' : 'day'}
        loading={sending.isPending}
        disabled={!ready}
      >
        {glass ? 'Break the glass' : picked.length > 1 ? 'Ask for all of it' : 'Send the request'}
      </Button>
    </form>
  )
}

type Asking = { duration: number | null; reason: string; ticket: string; glass: boolean; parts: string }

function Preview({ picked, asking }: { picked: Picked[]; asking: Asking }) {
  const [asked] = useDebouncedValue(asking, TYPING_MS)
  return (
    <section aria-label="What will happen" aria-live="polite" style={{ margin: '14px 0 4px' }}>
      <div className="tiny faint strong">WHAT WILL HAPPEN</div>
      {picked.map((one) => (
        <Forecast key={`${one.target}:${one.role}`} one={one} asked={asked} />
      ))}
    </section>
  )
}

/** What policy would do with one thing. The answer to what was asked before stays, greyed, until there is another: the button is below. */
function Forecast({ one, asked }: { one: Picked; asked: Asking }) {
  const found = useQuery({
    queryKey: ['preview', one.target, one.role, asked],
    enabled: asked.duration !== null,
    placeholderData: (before) => before,
    queryFn: () =>
      got(
        api.previewRequest({
          body: {
            ...one,
            duration_ms: asked.duration ?? 0,
            reason: asked.reason,
            ticket: asked.ticket.trim(),
            break_glass: asked.glass,
            scope: namesIn(asked.parts),
          },
        }),
      ),
  })
  const { data, error, isPlaceholderData, lasts } = useStill({ ...found, lasts: asked.duration })
  return (
    <div
      style={{ marginTop: 6, opacity: isPlaceholderData ? 0.6 : 1 }}
      aria-busy={isPlaceholderData || !(data || error)}
    >
      {data ? (
        <Foretold found={data} lasts={lasts} />
      ) : error ? (
        <Wrong error={error} />
      ) : (
        <span className="faint small">…</span>
      )}
    </div>
  )
}

const SAYS: Record<PreviewView['state'], { word: string; tone: 'good' | 'wait' | 'bad' }> = {
  AUTOMATIC: { word: 'AT ONCE', tone: 'good' },
  NEEDS_VOTES: { word: 'PEOPLE DECIDE', tone: 'wait' },
  BREAK_GLASS: { word: 'BREAKS THE GLASS', tone: 'bad' },
  REFUSED: { word: 'REFUSED', tone: 'bad' },
}

const NAMED = 3

function Foretold({ found, lasts }: { found: PreviewView; lasts: number | null }) {
  const says = SAYS[found.state]
  return (
    <>
      <State state={says.word} tone={says.tone} />
      {lasts !== null && found.state !== 'REFUSED' && <span className="small faint"> {length(lasts)}</span>}
      <div className="small" style={{ marginTop: 3 }}>
        {found.preview}
      </div>
      {found.state === 'NEEDS_VOTES' &&
        found.asked.map((people, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: stages have an order and no name
          <div key={n} className="small faint">
            {found.asked.length > 1 ? `stage ${n + 1}: ` : ''}
            {people
              .slice(0, NAMED)
              .map((one) => one.name)
              .join(', ')}
            {people.length > NAMED ? ` and ${people.length - NAMED} more` : ''}
          </div>
        ))}
      <TicketSays ticket={found.ticket} problem={found.ticket_problem} />
      <details className="tiny faint" style={{ marginTop: 3 }}>
        <summary>why</summary>
        {found.sentence}
      </details>
    </>
  )
}
