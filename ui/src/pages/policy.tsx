// Policy: what is in force, who could get what, why it answers as it does, and what is proposed.

import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Pencil } from 'lucide-react'
import type { CanView, PolicyView, ProposalView } from '../client'
import * as api from '../client'
import { got, Refusal } from '../logic/api'
import * as asking from '../logic/asking'
import { now } from '../logic/clock'
import { visible } from '../logic/inert'
import { Explaining, type Question } from '../parts/explaining'
import { Listing } from '../parts/listing'
import { Answer, Empty, Heading, Section } from '../parts/page'
import { PolicyWords } from '../parts/policy-words'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago } from '../parts/time'
import { To } from '../parts/to'

const VIEWS = [
  { value: 'read', label: 'In force' },
  { value: 'who', label: 'Who could get what' },
  { value: 'explain', label: 'Explain' },
  { value: 'proposals', label: 'Proposals' },
]

type Search = Question & { view?: string; as?: string; at?: string }

export function PolicyPage() {
  const asked = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const view = asked.view ?? 'read'
  const go = (search: Search) => void navigate({ to: '/policy' as '/', search: search as never, replace: true })
  const known = useQuery(asking.policies)
  const shut = known.error instanceof Refusal && known.error.status === 403
  return (
    <>
      <Heading
        title="Policy"
        lead="Who may ask for what, how it is decided, who is told, and what is owed afterwards. The files are the source; a change takes two people."
      >
        {!shut && (
          <SegmentedControl
            size="xs"
            aria-label="What to look at"
            value={view}
            onChange={(next) => go({ view: next })}
            data={VIEWS}
          />
        )}
      </Heading>
      {shut ? (
        <div className="card">
          <Empty title="Policies are read by security and auditors">
            What you may ask for, and what asking would take, is on <To to="/catalogue">Request access</To>; why a
            request of yours was decided as it was, on its own page.
          </Empty>
        </div>
      ) : view === 'who' ? (
        <WhoCan asked={asked} go={go} />
      ) : view === 'explain' ? (
        <Explaining asked={without(asked)} ask={(question) => go({ ...question, view: 'explain' })} />
      ) : view === 'proposals' ? (
        <Proposals />
      ) : (
        <Answer of={known}>
          {(all) => all.map((one) => <InForce key={one.id} one={one} as={asked.as} go={go} />)}
        </Answer>
      )}
    </>
  )
}

/** Characters of a policy file that are shown at once; none is as long. */
const WHOLE_FILE = 100_000

const without = ({ view: _, as: __, at: ___, ...question }: Search): Question => question

function InForce({ one, as = 'rules', go }: { one: PolicyView; as?: string; go: (search: Search) => void }) {
  return (
    <Section
      title={visible(one.id)}
      note={
        <>
          {one.targets.length === 0 ? 'covers no target there is' : `for ${one.targets.join(', ')}`}, from {one.file}{' '}
          {one.state === 'CHANGED' && <State state="THE FILE SAYS SOMETHING ELSE" tone="bad" />}
        </>
      }
    >
      <div style={{ display: 'flex', gap: 8, marginBottom: 10, alignItems: 'center', flexWrap: 'wrap' }}>
        <SegmentedControl
          size="xs"
          aria-label={`How ${one.id} is shown`}
          value={as}
          onChange={(next) => go({ as: next === 'rules' ? undefined : next })}
          data={[
            { value: 'rules', label: 'Rules' },
            { value: 'yaml', label: 'YAML' },
          ]}
        />
        <To to={`/policy/edit/${encodeURIComponent(one.id)}`}>
          <Button component="span" variant="default" leftSection={<Pencil size={13} />}>
            Change it
          </Button>
        </To>
      </div>
      {as === 'yaml' ? (
        <pre
          className="card pad sql"
          tabIndex={0}
          role="group"
          aria-label={`The file of ${one.id}`}
          style={{ margin: 0, maxHeight: '70dvh', overflow: 'auto' }}
        >
          <Said text={one.text} most={WHOLE_FILE} />
        </pre>
      ) : (
        <PolicyWords says={one.says} />
      )}
    </Section>
  )
}

/** The evening of today, where the reader is. */
function tonight(): string {
  const at = new Date(now())
  at.setHours(22, 0, 0, 0)
  return local(at)
}

function local(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

function WhoCan({ asked, go }: { asked: Search; go: (search: Search) => void }) {
  const targets = useQuery(asking.allTargets)
  const { target, role, at } = asked
  const roles = targets.data?.find((one) => one.id === target)?.roles.map((one) => one.name) ?? []
  const when = at ? new Date(at).getTime() : undefined
  const found = useQuery({
    queryKey: ['policy', 'who can', target, role, at],
    queryFn: async () =>
      (await got(api.whoCanGet({ query: { target: target ?? '', role: role ?? '', at: when || undefined } }))).items,
    enabled: Boolean(target && role),
  })
  const set = (more: Search) => go({ view: 'who', target, role, at, ...more })
  return (
    <>
      <div className="fields card pad">
        <Select
          label="Target"
          searchable
          data={targets.data?.map((one) => one.id) ?? []}
          value={target ?? null}
          onChange={(next) => set({ target: next ?? undefined, role: undefined })}
        />
        <Select label="Role" data={roles} value={role ?? null} onChange={(next) => set({ role: next ?? undefined })} />
        <TextInput
          type="datetime-local"
          label="When"
          description="empty: now"
          inputWrapperOrder={['label', 'input', 'description']}
          value={at ?? ''}
          onChange={(event) => set({ at: event.currentTarget.value || undefined })}
        />
        <Button variant="default" size="sm" onClick={() => set({ at: tonight() })}>
          Tonight at 22:00
        </Button>
      </div>
      {target && role ? (
        <Answer of={found}>{(all) => <Able all={all} />}</Answer>
      ) : (
        <div className="card">
          <Empty title="Pick a target and a role">
            Everybody is listed who could get it at that time, with the rule, how it would be decided, and what would
            have to hold.
          </Empty>
        </div>
      )}
    </>
  )
}

function Able({ all }: { all: CanView[] }) {
  return (
    <Listing
      of={{ ...STILL, data: { pages: [{ items: all }] } }}
      label="Who could get it"
      rowHeight={58}
      narrowest={760}
      columns={[
        { name: 'who', width: '190px', cell: (one) => <span className="cut small strong">{one.email}</span> },
        { name: 'rule', width: '170px', cell: (one) => <span className="small">{one.rule}</span> },
        { name: 'how', width: 'minmax(180px, 1fr)', cell: (one) => <span className="small two-lines">{one.how}</span> },
        {
          name: 'if',
          width: 'minmax(160px, 1fr)',
          cell: (one) =>
            one.if_ ? (
              <code className="sql two-lines tiny">
                <Said text={one.if_} />
              </code>
            ) : (
              <span className="faint">–</span>
            ),
        },
      ]}
      empty={
        <Empty title="Nobody could get it then">
          No rule gives this role at that time, or a denial stands before it.
        </Empty>
      }
    />
  )
}

const STILL = {
  error: null,
  hasNextPage: false,
  isFetchingNextPage: false,
  fetchNextPage: () => undefined,
  refetch: () => undefined,
}

function Proposals() {
  const found = useInfiniteQuery(asking.proposals)
  return (
    <Listing
      of={found}
      label="Proposals"
      rowHeight={58}
      columns={[
        { name: 'state', width: '100px', cell: (one: ProposalView) => <State state={one.state} /> },
        {
          name: 'policy',
          width: 'minmax(0, 1fr)',
          cell: (one) => (
            <>
              <To to={`/policy/proposals/${one.id}`} className="cover">
                {one.policy}
              </To>
              <div className="small faint cut">
                {one.made_by.name}: <Said line text={one.note} />
              </div>
            </>
          ),
        },
        {
          name: 'made',
          width: '90px',
          cell: (one) => (
            <span className="small faint">
              <Ago at={one.made_at} />
            </span>
          ),
        },
      ]}
      empty={
        <Empty title="Nothing is proposed">
          Open a policy with “Change it”, try your change, and propose it: a second person of security puts it into
          force.
        </Empty>
      }
    />
  )
}
