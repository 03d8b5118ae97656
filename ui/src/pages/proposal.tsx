// One proposal of a changed policy: what it changes, whether it holds, and a second person's word on it.

import { Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import type { ProposalView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { keep } from '../logic/draft'
import { Because } from '../parts/doing'
import { Answer, Heading, Section, Waiting } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'
import { Simulate, Tried } from '../parts/trying'

const Diff = lazy(() => import('../parts/diff'))

export function ProposalPage() {
  const { id = '' } = useParams({ strict: false }) as { id?: string }
  const found = useQuery(asking.proposal(id))
  return (
    <>
      <Heading title={found.data ? `A change of ${found.data.policy}` : 'A proposal'}>
        {found.data && <State state={found.data.state} />}
      </Heading>
      <p className="small" style={{ marginTop: -8 }}>
        <To to="/policy" search={{ view: 'proposals' }}>
          all proposals
        </To>
      </p>
      <Answer of={found}>{(one) => <Proposal one={one} />}</Answer>
    </>
  )
}

function Proposal({ one }: { one: ProposalView }) {
  const open = one.state === 'PROPOSED'
  const text = one.text ?? ''
  return (
    <>
      <div className="card pad" style={{ marginBottom: 22 }}>
        <blockquote className="quote" style={{ margin: '0 0 10px' }}>
          <Said text={one.note} />
        </blockquote>
        <dl className="facts small">
          <dt>proposed</dt>
          <dd>
            {one.made_by.name} ({one.made_by.email}), <Ago at={one.made_at} />
          </dd>
          {one.decided_by && one.decided_at && (
            <>
              <dt>{one.state.toLowerCase()}</dt>
              <dd>
                {one.decided_by.name}, <Ago at={one.decided_at} />{' '}
                {one.decided_note && <Said text={one.decided_note} />}
              </dd>
            </>
          )}
        </dl>
        {open && <Deciding one={one} />}
      </div>
      <Section
        title="What it changes"
        note={open ? 'against what the file says now' : 'against what the file says by now'}
      >
        <div className="card" style={{ overflow: 'hidden' }}>
          {one.present === text ? (
            <p className="pad small faint" style={{ margin: 0 }}>
              The file says exactly this.
            </p>
          ) : (
            <Suspense fallback={<Waiting rows={8} />}>
              <Diff was={one.present ?? ''} now={text} label={`What the proposal changes in ${one.policy}`} />
            </Suspense>
          )}
        </div>
      </Section>
      {open && (
        <>
          <Section title="Its cases">
            <div className="card pad">
              <Tried text={text} />
            </div>
          </Section>
          <Section title="What it would have decided otherwise">
            <div className="card pad">
              <Simulate text={text} />
            </div>
          </Section>
        </>
      )}
    </>
  )
}

function Deciding({ one }: { one: ProposalView }) {
  const me = useQuery(asking.me)
  const mine = me.data?.id === one.made_by.id
  const path = { id: one.id }
  const reject = (note: string) => got(api.rejectProposal({ path, body: { note } }))
  return (
    <div style={{ marginTop: 14 }}>
      {one.stale && <Stale one={one} />}
      <Group gap={8}>
        {!mine && !one.stale && (
          <Because
            title="Approve the change"
            label="A note"
            optional
            confirm="Put it into force"
            explain="The file is written and loaded. Your approval is for exactly the text below."
            act={(note) => got(api.approveProposal({ path, body: { digest: one.digest, note: note.trim() } }))}
            said="approved; the file is written"
          >
            Approve
          </Because>
        )}
        <Because
          variant="default"
          title={mine ? 'Take it back' : 'Reject the change'}
          label="Why"
          confirm={mine ? 'Take it back' : 'Reject'}
          act={reject}
        >
          {mine ? 'Take it back' : 'Reject'}
        </Because>
        {mine && <span className="small faint">A second person of security has to approve it.</span>}
      </Group>
    </div>
  )
}

/** The file changed since: the text can be taken into a branch of one's own, and proposed anew. */
function Stale({ one }: { one: ProposalView }) {
  return (
    <div className="problem" role="alert" style={{ marginBottom: 10 }}>
      <div className="strong">The file of {one.policy} was changed since this was proposed</div>
      <div className="hint">
        It cannot be approved any more. <TakeOver one={one} />, compare it with what the file says now, and propose
        that.
      </div>
    </div>
  )
}

function TakeOver({ one }: { one: ProposalView }) {
  return (
    <To
      to={`/policy/edit/${encodeURIComponent(one.policy)}`}
      onClick={() => keep(localStorage, one.policy, { text: one.text ?? '', base: '', was: one.was })}
    >
      Take its text into a branch of yours
    </To>
  )
}
