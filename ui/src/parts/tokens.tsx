// Tokens: whose, what for, good for what, when and from where last used; and revoking them.

import { useInfiniteQuery } from '@tanstack/react-query'
import type { TokenView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { PAGE } from '../logic/asking'
import { whole } from '../logic/times'
import { Do } from './doing'
import { Listing } from './listing'
import { Empty } from './page'
import { Said } from './said'
import { Ago } from './time'
import { To } from './to'

/** Of one's own or somebody else's. */
export const Revoke = ({ one }: { one: TokenView }) => (
  <Do
    variant="subtle"
    color="alarm"
    size="compact-xs"
    act={() => got(api.revokeToken({ path: { id: one.id } }))}
    said="revoked; the sessions that it opened have ended"
  >
    Revoke
  </Do>
)

const Used = ({ one }: { one: TokenView }) => (
  <span className="small">
    {one.last_used_at ? (
      <>
        used <Ago at={one.last_used_at} /> <span className="faint">from {one.last_used_from}</span>
      </>
    ) : (
      <span className="faint">never used</span>
    )}
  </span>
)

const What = ({ one }: { one: TokenView }) => (
  <>
    {one.label ? <Said line text={one.label} /> : <span className="faint">no label</span>}{' '}
    <span className="faint small">
      good for {one.scopes.join(' ') || 'everything'}, until {whole(one.expires_at)}
    </span>
  </>
)

/** A few of them, of one person. */
export function TokenRows({ tokens }: { tokens: TokenView[] }) {
  return (
    <div className="card">
      {tokens.length === 0 && <Empty title="No live token">Nothing signs in as them but a browser.</Empty>}
      {tokens.map((one) => (
        <div key={one.id} className="row">
          <span className="grow">
            <What one={one} /> <Used one={one} />
          </span>
          <Revoke one={one} />
        </div>
      ))}
    </div>
  )
}

/** Everybody's. */
export function AllTokens() {
  const tokens = useInfiniteQuery({
    queryKey: ['tokens', 'all'],
    queryFn: ({ pageParam }) => got(api.listAllTokens({ query: { before: pageParam, limit: PAGE } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    retry: false,
  })
  return (
    <Listing
      of={tokens}
      label="Tokens"
      rowHeight={56}
      narrowest={760}
      columns={[
        {
          name: 'whose',
          width: '180px',
          cell: (one: TokenView) => (
            <To
              to={`/admin/people/${encodeURIComponent(one.person.email)}`}
              className="small cut"
              style={{ display: 'block' }}
            >
              {one.person.email}
            </To>
          ),
        },
        {
          name: 'what for',
          width: 'minmax(0, 1fr)',
          cell: (one) => (
            <div className="two-lines">
              <What one={one} />
            </div>
          ),
        },
        { name: 'last used', width: '210px', cell: (one) => <Used one={one} /> },
        { name: '', width: '70px', cell: (one) => <Revoke one={one} /> },
      ]}
      empty={
        <Empty title="There is no live token">
          People make them on My account, for native clients, scripts and agents.
        </Empty>
      }
    />
  )
}
