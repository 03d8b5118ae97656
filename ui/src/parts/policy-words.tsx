// A policy as people read it: what is never given, then the rules from the top, each with what asking takes.

import type { DenialView, RuleView, WordsView } from '../client'
import { visible } from '../logic/inert'
import { Said } from './said'
import { State } from './state'

const TONES = { AUTOMATIC: 'good', NEEDS_VOTES: 'wait', BREAK_GLASS: 'bad' } as const
const WORDS = { AUTOMATIC: 'automatic', NEEDS_VOTES: 'people decide', BREAK_GLASS: 'break glass' }

export function PolicyWords({ says }: { says: WordsView }) {
  return (
    <>
      <p className="small faint" style={{ margin: '0 0 8px' }}>
        Covers <b>{says.covers.join(', ')}</b>.{' '}
        {says.limits.map((one) => `${one[0]?.toUpperCase()}${one.slice(1)}.`).join(' ')}
      </p>
      <ol className="rules" aria-label={`Rules of ${visible(says.id)}`}>
        {says.denials.map((one) => (
          <Denial key={one.id} denial={one} />
        ))}
        {says.rules.map((one, n) => (
          <Rule key={one.id} rule={one} n={n + 1} />
        ))}
      </ol>
    </>
  )
}

function Denial({ denial }: { denial: DenialView }) {
  return (
    <li className="card pad">
      <header>
        <State state="NEVER" tone="bad" />
        <h3>{visible(denial.id)}</h3>
        <span className="faint tiny">line {denial.line}</span>
      </header>
      <Whom who={denial.who} roles={denial.roles} />
      <Conditions when={denial.when} hours={denial.hours} />
      {denial.because && (
        <p className="small">
          <Said text={denial.because} />
        </p>
      )}
    </li>
  )
}

function Rule({ rule, n }: { rule: RuleView; n: number }) {
  return (
    <li className="card pad">
      <header>
        <span className="faint num small">{n}</span>
        <h3>{visible(rule.id)}</h3>
        <State state={WORDS[rule.state]} tone={TONES[rule.state]} />
        <span className="faint tiny">line {rule.line}</span>
      </header>
      <Whom who={rule.who} roles={rule.roles} />
      <Conditions when={rule.when} hours={rule.hours} />
      <dl className="facts small">
        <dt>decided</dt>
        <dd>{rule.how}</dd>
        {rule.owes.length > 0 && (
          <>
            <dt>owed</dt>
            <dd>{rule.owes.join('; ')}</dd>
          </>
        )}
        {rule.tell.length > 0 && (
          <>
            <dt>told</dt>
            <dd>{rule.tell.join(', ')}</dd>
          </>
        )}
        {rule.ends_with_ticket && (
          <>
            <dt>ends</dt>
            <dd>when its ticket is closed</dd>
          </>
        )}
      </dl>
    </li>
  )
}

function Whom({ who, roles }: { who: string[]; roles: string[] }) {
  return (
    <p className="small" style={{ margin: '4px 0' }}>
      <b>{who.length > 0 ? who.join(', ') : 'everybody'}</b> for{' '}
      <b>{roles.length > 0 ? roles.join(', ') : 'every role'}</b>
    </p>
  )
}

function Conditions({ when, hours }: { when: string; hours: string }) {
  return (
    <>
      {when && (
        <p className="small" style={{ margin: '4px 0' }}>
          if <code className="sql">{when}</code>
        </p>
      )}
      {hours && (
        <p className="small" style={{ margin: '4px 0' }}>
          {hours}
        </p>
      )}
    </>
  )
}
