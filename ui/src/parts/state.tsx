// A state in the field's own word, with a tone that says how to feel about it.

type Tone = 'good' | 'wait' | 'bad' | 'live' | 'calm'

const TONES: Record<string, Tone> = {
  PENDING: 'wait',
  NEEDS_INFO: 'wait',
  APPROVED: 'good',
  DENIED: 'bad',
  EXPIRED: 'calm',
  WITHDRAWN: 'calm',
  BROKEN_GLASS: 'bad',
  RATIFIED: 'good',
  NOT_RATIFIED: 'bad',
  READY: 'good',
  SCHEDULED: 'wait',
  ACTIVE: 'live',
  ENDING: 'wait',
  ENDED: 'calm',
  LAPSED: 'calm',
  END_UNCONFIRMED: 'bad',
  REGISTERED: 'wait',
  OPEN: 'live',
  CUT: 'bad',
  DUE: 'wait',
  OVERDUE: 'bad',
  DONE: 'good',
  FLAGGED: 'bad',
  SUBMITTED: 'live',
  COMPLETED: 'good',
  FAILED: 'bad',
  REFUSED: 'bad',
  SEALED: 'good',
  DAMAGED: 'bad',
  LOCKED: 'bad',
  LIVE: 'live',
  GRANTED: 'live',
  PROPOSED: 'wait',
  REJECTED: 'bad',
}

export const toneOf = (state: string): Tone => TONES[state] ?? 'calm'

export function State({ state, tone }: { state: string; tone?: Tone }) {
  return (
    <span className="state" data-tone={tone ?? toneOf(state)}>
      {state.toLowerCase().replaceAll('_', ' ')}
    </span>
  )
}
