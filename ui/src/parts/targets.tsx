// Targets as the settings have them, and whether they let us in.

import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { PlugZap } from 'lucide-react'
import type { ReachedView, TargetSettings } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { measured } from '../logic/times'
import { Answer, Empty, Wrong } from './page'
import { Said } from './said'
import { State } from './state'

export function Targets() {
  const found = useQuery(asking.allTargets)
  return (
    <Answer of={found}>
      {(all) =>
        all.length === 0 ? (
          <div className="card">
            <Empty title="There is no target">
              Name one under targets in the settings; docs/configuration.md shows how.
            </Empty>
          </div>
        ) : (
          <div className="grid-cards">
            {all.map((one) => (
              <Target key={one.id} one={one} />
            ))}
          </div>
        )
      }
    </Answer>
  )
}

function Target({ one }: { one: TargetSettings }) {
  const checking = useMutation({ mutationFn: () => got(api.checkTarget({ path: { name: one.id } })) })
  return (
    <article className="card pad" aria-label={one.id}>
      <header style={{ display: 'flex', gap: 8, alignItems: 'center', flexWrap: 'wrap' }}>
        <h3 style={{ margin: 0 }}>{one.id}</h3>
        {one.state === 'UNCOVERED' && <State state="NO POLICY COVERS IT" tone="bad" />}
      </header>
      <Settings one={one} />
      <Button
        mt="sm"
        variant="default"
        leftSection={<PlugZap size={13} />}
        loading={checking.isPending}
        onClick={() => checking.mutate()}
      >
        Check the connection
      </Button>
      {checking.isError && <Wrong error={checking.error} />}
      {checking.data && <Came name={one.id} roles={checking.data.items} />}
    </article>
  )
}

/** What came of signing in with each role's login, and what to do. */
function Came({ name, roles }: { name: string; roles: ReachedView[] }) {
  return (
    <div role="status" aria-label={`What came of signing in to ${name}`}>
      <ul className="remarks">
        {roles.map((role) => (
          <li key={role.id}>
            <State state={role.state} tone={role.state === 'REACHED' ? 'good' : 'bad'} /> <b>{role.id}</b>{' '}
            <span className="small faint">in {measured(role.took_ms)}</span>
            {role.problem && (
              <div className="small">
                <Said text={role.problem} />
              </div>
            )}
            {role.hint && (
              <div className="small faint">
                <Said text={role.hint} />
              </div>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Settings({ one }: { one: TargetSettings }) {
  const labels = Object.entries(one.labels).map(([key, value]) => `${key}=${value}`)
  return (
    <dl className="facts small" style={{ marginTop: 8 }}>
      <dt>at</dt>
      <dd className="mono tiny">
        {one.protocol} {one.address}
        {one.database && `/${one.database}`}
      </dd>
      <dt>policy</dt>
      <dd>{one.policy || 'none: nobody can ask for it'}</dd>
      <dt>labels</dt>
      <dd>{labels.length ? <Said text={labels.join(', ')} /> : 'none'}</dd>
      <dt>TLS</dt>
      <dd>{one.tls}</dd>
      <dt>owners</dt>
      <dd>{one.owners.join(', ') || 'none'}</dd>
      {one.roles.map((role) => (
        <div key={role.name} style={{ display: 'contents' }}>
          <dt>{role.name}</dt>
          <dd>
            {role.effect}, {role.user ? `as ${role.user}` : `a login for each grant, in ${role.member_of.join(', ')}`}
            {role.dangerous && <b style={{ color: 'var(--bad)' }}> dangerous</b>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
