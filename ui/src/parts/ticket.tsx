// What a ticket's own system says of it, or why it does not.

import { Said } from './said'
import { State } from './state'

type Props = { ticket: Record<string, unknown> | null; problem: string }

export function TicketSays({ ticket, problem }: Props) {
  if (problem) {
    return (
      <div className="small" style={{ color: 'var(--wait)' }} data-testid="ticket">
        <Said text={problem} />
      </div>
    )
  }
  if (!ticket) return null
  const word = (key: string) => (typeof ticket[key] === 'string' ? (ticket[key] as string) : '')
  return (
    <div className="small" data-testid="ticket">
      <State state={ticket.open === true ? 'OPEN' : 'CLOSED'} tone={ticket.open === true ? 'good' : 'bad'} />{' '}
      <Said line text={[word('key'), word('title')].filter(Boolean).join(': ')} />{' '}
      <span className="faint">
        <Said line text={word('status')} />
        {word('assignee') ? ', with ' : ', with nobody'}
        <Said line text={word('assignee')} />
      </span>
    </div>
  )
}
