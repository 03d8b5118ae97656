// A request's entries as a story that people can read: one line each, with a tone, and what the entry says besides.

import type { EntryView } from '../client'
import { length } from './times'

export type Tone = 'good' | 'bad' | 'wait' | 'live' | 'calm'
export type Told = {
  id: string
  index: number
  t: number
  actor: string
  type: string
  says: string
  tone: Tone
  body: Body
}
type Body = Record<string, unknown>

type Said = [Tone, string | ((body: Body) => string)]

const SAYS: Record<string, Said> = {
  'request.created': ['calm', 'asked'],
  'request.edited': ['wait', 'changed the request; votes so far no longer count'],
  'request.asked': ['wait', 'asked back'],
  'request.answered': ['calm', 'answered'],
  'request.escalated': ['wait', 'Nobody decided for a while: more people were asked'],
  'request.voted': ['calm', (body) => (body.approve === false ? 'voted no' : 'voted yes')],
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
  'grant.ended': ['good', (body) => `The access ended: ${words(body.reason)}`],
  'grant.lapsed': ['calm', 'The access lapsed unused'],
  'grant.end_unconfirmed': ['bad', 'The end could not be shown: access may still exist'],
  'session.opened': ['live', 'connected'],
  'session.killed': ['bad', 'ended a session'],
  'session.ended': ['calm', (body) => `The session ended: ${words(body.reason)}`],
  'session.refused': ['bad', 'was refused a connection'],
  'glass.broken': ['bad', 'broke the glass'],
  'glass.ratified': ['good', (body) => (body.refused ? 'did not stand for it' : 'stood for the broken glass')],
  'obligation.due': ['wait', (body) => `Owed from now on: ${words(body.kind)}`],
  'obligation.done': ['good', 'signed it off'],
  'obligation.flagged': ['bad', 'flagged it: a follow-up is needed'],
  'obligation.overdue': ['bad', 'What is owed is overdue'],
  'obligation.settled': ['good', 'settled the follow-up'],
  'recording.read': ['calm', 'read what was done'],
  'credential.issued': ['calm', 'A login was made at the target'],
  'credential.withdrawn': ['calm', 'The login was taken away'],
}

const num = (value: unknown): number => (typeof value === 'number' ? value : 0)
const words = (value: unknown): string => (typeof value === 'string' ? value.replaceAll('_', ' ') : '')

/** Types that begin with a person: their name stands before what is said. */
export const personal = (says: string): boolean => says[0] === says[0]?.toLowerCase()

/** One entry as it is told. An entry that cannot be read is told by its type. */
export function told(entry: EntryView): Told {
  let body: Body = {}
  let actor = ''
  try {
    const envelope = JSON.parse(entry.entry) as { body?: Body; actor?: { id?: string } }
    body = envelope.body ?? {}
    actor = envelope.actor?.id ?? ''
  } catch {
    // Told by its type alone.
  }
  const [tone, says] = SAYS[entry.type] ?? ['calm', entry.type.replace('.', ': ').replaceAll('_', ' ')]
  return {
    id: entry.id,
    index: entry.index,
    t: entry.t,
    actor,
    type: entry.type,
    says: typeof says === 'function' ? says(body) : says,
    tone,
    body,
  }
}

/** Entries that people look for. Statements are many, and stand with their session. */
export const STORY_TYPES = Object.keys(SAYS)

export type Step = { name: string; ms: number }

/** The measured steps of an ending, in order, with what each took. `steps` counts from the beginning of the end. */
export function steps(ending: Record<string, unknown> | null | undefined): Step[] {
  const found = ending?.steps
  if (!found || typeof found !== 'object') return []
  return Object.entries(found as Record<string, unknown>)
    .filter((pair): pair is [string, number] => typeof pair[1] === 'number')
    .sort((a, b) => a[1] - b[1])
    .map(([name, ms]) => ({ name: name.replace(/_ms$/, '').replaceAll('_', ' '), ms }))
}
