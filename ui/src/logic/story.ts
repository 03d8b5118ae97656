// A request's entries as a story that people can read: one line each, with a tone, and what the entry says besides.

import type { EntryView } from '../client'
import { day, length, measured } from './times'

export type Tone = 'good' | 'bad' | 'wait' | 'live' | 'calm'
export type Told = {
  id: string
  index: number
  t: number
  /** Whose name stands before what is said; empty: nobody's. */
  who: string
  type: string
  says: string
  tone: Tone
  /** What was written, which entries only commit to. */
  words: string
  /** What it happened in. */
  session: string
  body: Body
}
type Body = Record<string, unknown>
type Envelope = { body?: Body; session?: string; decision?: string }

type Says = string | ((body: Body, decision: string) => string)

const SAYS: Record<string, [Tone, Says]> = {
  'request.created': ['calm', (body) => `asked ${askedFor(body)}`],
  'request.edited': ['wait', (body) => `changed the request: now ${askedFor(body)}; votes so far no longer count`],
  'request.asked': ['wait', 'asked back'],
  'request.answered': ['calm', 'answered'],
  'request.escalated': ['wait', 'Nobody decided for a while: more people were asked'],
  'request.voted': ['calm', voted],
  'request.approved': ['good', 'The request was approved'],
  'request.denied': ['bad', 'The request was denied'],
  'request.refused': ['bad', 'Policy refused the request'],
  'request.expired': ['wait', 'Nobody decided in time'],
  'request.withdrawn': ['calm', 'took the request back'],
  'grant.started': ['calm', 'The access may begin'],
  'grant.renewed': ['calm', 'The next day of the project began'],
  'grant.activated': ['live', 'The clock began to run'],
  'grant.extended': ['wait', (body) => `The deadline moved${num(body.by_ms) ? ` by ${length(num(body.by_ms))}` : ''}`],
  'grant.ending': ['wait', 'The access is being ended'],
  'grant.ended': ['good', (body) => `The access ended: ${words(body.reason)}${steps(body)}`],
  'grant.lapsed': ['calm', 'The access lapsed unused'],
  'grant.end_unconfirmed': ['bad', 'The end could not be shown: access may still exist'],
  'session.opened': ['live', 'connected'],
  'session.killed': ['bad', 'ended a session'],
  'session.ended': ['calm', (body) => `The session ended: ${words(body.reason)}`],
  'session.end_unconfirmed': ['bad', 'The end of a session could not be shown: its work may go on'],
  'session.end_settled': [
    'good',
    (body) =>
      body.closed_by_hand ? 'answered for a session whose end could not be shown' : 'A session was seen to be gone',
  ],
  'session.refused': ['bad', 'was refused a connection'],
  'glass.broken': ['bad', 'broke the glass'],
  'glass.ratified': ['good', (_, decision) => (decision === 'refused' ? 'did not stand for it' : 'stood for it')],
  'obligation.due': ['wait', (body) => `Owed from now on: ${words(body.kind)}`],
  'obligation.done': ['good', 'signed it off'],
  'obligation.flagged': ['bad', 'flagged it: a follow-up is needed'],
  'obligation.overdue': ['bad', 'What is owed is overdue'],
  'obligation.settled': ['good', 'settled the follow-up'],
  'recording.read': ['calm', 'read what was done'],
  'credential.issued': ['calm', 'A login was made at the target'],
  'credential.withdrawn': ['calm', 'The login was taken away'],
}

/** The fields of what was said that are read as sentences; the others are names, tickets, addresses. */
const WRITTEN = ['reason', 'question', 'answer', 'note', 'because', 'problem', 'left']

/** Entries that people look for. Statements are many: they are told with their session. */
export const STORY_TYPES = Object.keys(SAYS)

function askedFor(body: Body): string {
  const lasts = length(num(body.duration_ms))
  const items = Array.isArray(body.items) ? (body.items as Body[]) : []
  const what = items.map((item) => `${item.target}:${item.role}`).join(', ')
  if (body.extends) return `for ${lasts} more of ${what}`
  return `for ${what} for ${lasts}${body.rule ? `; the rule “${body.rule}” matched` : ''}`
}

function voted(body: Body, decision: string): string {
  const lasts = num(body.narrowed_ms) ? `, for ${length(num(body.narrowed_ms))}` : ''
  const role = body.narrowed_role ? `, as ${body.narrowed_role}` : ''
  return `voted ${decision === 'deny' ? 'no' : 'yes'}${lasts}${role}${body.signed ? `, ${signedBy(body.signed)}` : ''}`
}

const signedBy = (signed: unknown): string =>
  typeof signed === 'object' && signed && 'passkey' in signed ? 'signed by a passkey' : 'signed by an SSH key'
const num = (value: unknown): number => (typeof value === 'number' ? value : 0)
const words = (value: unknown): string => (typeof value === 'string' ? value.replaceAll('_', ' ') : '')

/** The measured steps of an end, behind what is said of it. */
function steps(body: Body): string {
  const took = measuredSteps({ steps: body.steps_ms })
  return took.length ? ` (${took.map((step) => `${step.name} after ${measured(step.ms)}`).join(', ')})` : ''
}

/** One entry as it is told. An entry that cannot be read is told by its type. */
export function told(entry: EntryView): Told {
  let envelope: Envelope = {}
  try {
    envelope = JSON.parse(entry.entry) as Envelope
  } catch {
    // Told by its type alone.
  }
  const body = envelope.body ?? {}
  const [tone, says] = SAYS[entry.type] ?? ['calm', entry.type.replace('.', ': ').replaceAll('_', ' ')]
  const said = typeof says === 'function' ? says(body, envelope.decision ?? '') : says
  // What begins with a small letter is what somebody did: their name stands before it.
  const personal = said[0] === said[0]?.toLowerCase()
  // A session's end says its reason in a note as well.
  const written = entry.type === 'session.ended' ? [] : WRITTEN.map((name) => entry.said?.[name]).filter((text) => text)
  return {
    id: entry.id,
    index: entry.index,
    t: entry.t,
    who: personal ? (entry.actor?.name ?? 'Daypass') : '',
    type: entry.type,
    says: said,
    tone: entry.type === 'request.voted' ? (envelope.decision === 'deny' ? 'bad' : 'good') : tone,
    words: written.join('\n'),
    session: envelope.session ?? '',
    body,
  }
}

/** The day of a line, where it is another one than that of the line before. */
export const newDay = (line: { t: number }, before: { t: number } | undefined): string =>
  before && day(before.t) === day(line.t) ? '' : day(line.t)

export type Step = { name: string; ms: number }

/** The measured steps of an ending, in order, with what each took. `steps` counts from the beginning of the end. */
export function measuredSteps(ending: Record<string, unknown> | null | undefined): Step[] {
  const found = ending?.steps
  if (!found || typeof found !== 'object') return []
  return Object.entries(found as Record<string, unknown>)
    .filter((pair): pair is [string, number] => typeof pair[1] === 'number')
    .sort((a, b) => a[1] - b[1])
    .map(([name, ms]) => ({ name: name.replace(/_ms$/, '').replaceAll('_', ' '), ms }))
}
