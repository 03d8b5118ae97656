// Administration: how it goes, who and what there is, and what can be done about it.

import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { Refusal } from '../logic/api'
import { Channels } from '../parts/channels'
import { Health, overview } from '../parts/health'
import { Locks } from '../parts/locks'
import { Empty, Heading } from '../parts/page'
import { Groups, People, Person } from '../parts/people'
import { Targets } from '../parts/targets'
import { To } from '../parts/to'
import { AllTokens } from '../parts/tokens'

const PARTS = [
  { at: '', name: 'Health', shown: Health },
  { at: 'people', name: 'People', shown: People },
  { at: 'groups', name: 'Groups', shown: Groups },
  { at: 'targets', name: 'Targets', shown: Targets },
  { at: 'tokens', name: 'Tokens', shown: AllTokens },
  { at: 'locks', name: 'Locks', shown: Locks },
  { at: 'channels', name: 'Channels', shown: Channels },
]

export function AdminPage() {
  const { part = '', email } = useParams({ strict: false }) as { part?: string; email?: string }
  const may = useQuery({ ...overview, retry: false })
  const shut = may.error instanceof Refusal && may.error.status === 403
  const here = PARTS.find((one) => one.at === (email ? 'people' : part))
  return (
    <>
      <Heading title="Administration" tab={email ?? here?.name} />
      {shut ? (
        <div className="card">
          <Empty title="This is for security, auditors and operators">
            Your own tokens, keys and browsers are on <To to="/settings">My account</To>.
          </Empty>
        </div>
      ) : (
        <>
          <nav className="subpages" aria-label="Parts of administration">
            {PARTS.map((one) => (
              <To key={one.at} to={one.at ? `/admin/${one.at}` : '/admin'} exact={one.at === ''}>
                {one.name}
              </To>
            ))}
          </nav>
          {email ? (
            <Person key={email} email={email} />
          ) : here ? (
            <here.shown />
          ) : (
            <div className="card">
              <Empty title="There is no such part" />
            </div>
          )}
        </>
      )}
    </>
  )
}
