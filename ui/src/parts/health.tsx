// How it goes: nodes, the journal, the log and its witnesses, drift of logins, and what is wrong with what to do.

import { useQuery } from '@tanstack/react-query'
import type { OverviewView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { measured } from '../logic/times'
import { Answer, Empty, Section } from './page'
import { Said } from './said'
import { State } from './state'
import { Ago } from './time'
import { To } from './to'

const REFRESH_MS = 5000

export const overview = {
  queryKey: ['overview'],
  queryFn: () => got(api.showOverview()),
  refetchInterval: REFRESH_MS,
}

export function Health() {
  const found = useQuery(overview)
  const warned = useQuery({ queryKey: ['health'], queryFn: () => got(api.healthz()), refetchInterval: REFRESH_MS })
  const told = new Set((found.data?.remarks ?? []).map((one) => one.says))
  const others = (warned.data?.warnings ?? []).filter((one) => !told.has(one))
  return (
    <Answer of={found}>
      {(one) => (
        <>
          <Section title="This node">
            <div className="card pad">
              <State state={one.state} tone={one.state === 'HEALTHY' ? 'good' : 'bad'} />{' '}
              <span className="small">
                {one.id} {one.problem && <Said text={one.problem} />}
              </span>
              {one.remarks.length + others.length === 0 && (
                <p className="small faint" style={{ margin: '6px 0 0' }}>
                  Nothing is wrong.
                </p>
              )}
              <ul className="remarks" aria-label="What is wrong">
                {one.remarks.map((remark) => (
                  <li key={remark.says}>
                    <Said text={remark.says} />
                    <div className="small faint">
                      <Said text={remark.hint} />
                    </div>
                  </li>
                ))}
                {others.map((says) => (
                  <li key={says}>
                    <Said text={says} />
                  </li>
                ))}
              </ul>
            </div>
          </Section>
          <div className="grid-cards">
            <Nodes one={one} />
            <Record one={one} />
            <Witnesses one={one} />
          </div>
          <Drifts one={one} />
        </>
      )}
    </Answer>
  )
}

function Nodes({ one }: { one: OverviewView }) {
  return (
    <section className="card pad" aria-label="Nodes">
      <h3>Nodes</h3>
      <dl className="facts small">
        {one.nodes.map((node) => (
          <div key={node.id} style={{ display: 'contents' }}>
            <dt>
              {node.id}
              {node.here && ' (this one)'}
            </dt>
            <dd>
              <State state={node.state} tone={node.state === 'LIVE' ? 'good' : 'bad'} />{' '}
              <span className="faint">heard {measured(node.silent_ms)} ago</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Record({ one }: { one: OverviewView }) {
  const open = one.log.entries - one.log.published
  return (
    <section className="card pad" aria-label="The record">
      <h3>The record</h3>
      <dl className="facts small">
        <dt>journal</dt>
        <dd>
          {one.journal.behind === 0 ? 'all of it is in the store' : `${one.journal.behind} facts wait for the store`},{' '}
          <span className="faint">lag {measured(one.journal.lag_ms)}</span>
        </dd>
        <dt>log</dt>
        <dd className="num">
          {one.log.entries.toLocaleString('en-GB')} entries
          {one.log.elsewhere ? `; ${one.log.elsewhere}` : open > 0 ? `, ${open} to be published` : ', all published'}
        </dd>
        <dt>proof</dt>
        <dd>
          <To to="/log">the published checkpoint</To>
        </dd>
      </dl>
    </section>
  )
}

function Witnesses({ one }: { one: OverviewView }) {
  return (
    <section className="card pad" aria-label="Witnesses">
      <h3>Witnesses</h3>
      {one.witnesses.length === 0 && (
        <p className="small faint" style={{ margin: 0 }}>
          None are set up: nobody outside would notice a log that is shown to some people only. See ledger.witnesses in
          the settings.
        </p>
      )}
      <dl className="facts small">
        {one.witnesses.map((witness) => (
          <div key={witness.id} style={{ display: 'contents' }}>
            <dt>{witness.id}</dt>
            <dd>
              <State state={witness.state} tone={witness.state === 'COSIGNS' ? 'good' : 'bad'} />{' '}
              <Said text={witness.problem} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Drifts({ one }: { one: OverviewView }) {
  return (
    <Section title="Drift of logins" note="at the targets, found by the patrol every ten seconds">
      <div className="card">
        {one.drift.length === 0 && (
          <Empty title="Every login is as our grants say">
            Where logins are made for one grant, those that somebody else changed, made or uses are told here.
          </Empty>
        )}
        {one.drift.map((found) => (
          <div key={found.id} className="row">
            <State state={found.state} tone={found.state === 'FOUND' ? 'bad' : 'wait'} />
            <span className="grow small cut">
              <b>{found.target}</b> {found.kind} <Said line text={found.user} />
            </span>
            <span className="small faint">
              <Ago at={found.t} />
            </span>
            <To to={`/log/${found.id}`} className="small">
              #{found.id}
            </To>
          </div>
        ))}
      </div>
    </Section>
  )
}
