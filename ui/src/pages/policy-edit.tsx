// Changing a policy in a branch of one's own: completed and checked while it is written, tried, held against what was
// asked, explained, and then proposed to a second person.

import { Button, Group, SegmentedControl, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react'
import type { PolicyView, TriedView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { begun, type Draft, keep, overtaken, rebased, throwAway } from '../logic/draft'
import type { Names } from '../logic/form'
import { useDoing } from '../parts/doing'
import type { Remark } from '../parts/editor'
import { Explaining, type Question } from '../parts/explaining'
import { Answer, Empty, Heading, Waiting, Wrong } from '../parts/page'
import { PolicyWords } from '../parts/policy-words'
import { To } from '../parts/to'
import { Cases, Simulate, tried } from '../parts/trying'

const PolicyEditor = lazy(() => import('../parts/editor'))
const Diff = lazy(() => import('../parts/diff'))
const TRY_MS = 600

export function PolicyEditPage() {
  const { name = '' } = useParams({ strict: false }) as { name?: string }
  const all = useQuery(asking.policies)
  return (
    <>
      <Heading
        title={`Change ${name}`}
        lead="Your own branch: nothing is in force before a second person approves it."
      />
      <p className="small" style={{ marginTop: -8 }}>
        <To to="/policy">all policies</To>
      </p>
      <Answer of={all}>
        {(found) => {
          const one = found.find((policy) => policy.id === name)
          return one ? (
            <Editing file={one} />
          ) : (
            <Empty title={`There is no policy ${name}`}>It may have been renamed.</Empty>
          )
        }}
      </Answer>
    </>
  )
}

const TABS = ['Checks', 'Changes', 'History', 'Explain', 'In words'] as const
type Tab = (typeof TABS)[number]

function Editing({ file }: { file: PolicyView }) {
  const [draft, setDraft] = useState<Draft>(() => begun(localStorage, file.id, file))
  const [editor, setEditor] = useState(0)
  const [settled] = useDebouncedValue(draft.text, TRY_MS)
  const found = useQuery({ ...tried(settled), placeholderData: (before) => before })
  useEffect(() => keep(localStorage, file.id, draft), [draft, file.id])
  const changed = draft.text !== draft.base
  const anew = useCallback(() => {
    throwAway(localStorage, file.id)
    setDraft({ text: file.text, base: file.text, was: file.text_digest })
    setEditor((before) => before + 1)
  }, [file])
  // Where nothing is changed yet there is nothing to lose: what is shown is what the file says now.
  useEffect(() => {
    if (!changed && overtaken(draft, file)) anew()
  }, [changed, draft, file, anew])
  const loads = found.data?.state === 'LOADS' && settled === draft.text && !found.isPlaceholderData
  return (
    <>
      {changed && overtaken(draft, file) && <Overtaken draft={draft} file={file} set={setDraft} />}
      <div className="editing">
        <div className="card" style={{ overflow: 'hidden' }}>
          <Suspense fallback={<Waiting rows={8} />}>
            <TheEditor key={editor} draft={draft} set={setDraft} found={found.data} name={file.id} />
          </Suspense>
        </div>
        <div>
          <Beside draft={draft} settled={settled} found={found} loads={loads} />
          <Propose
            draft={draft}
            ready={changed && loads && !overtaken(draft, file)}
            why={
              !changed
                ? 'Nothing is changed yet.'
                : loads
                  ? ''
                  : 'It has to load, with all its cases, before it can be proposed.'
            }
            name={file.id}
          />
          {changed && (
            <Button variant="subtle" color="alarm" mt="xs" onClick={anew}>
              Throw my changes away
            </Button>
          )}
        </div>
      </div>
    </>
  )
}

type BesideProps = { draft: Draft; settled: string; found: UseQueryResult<TriedView>; loads: boolean }

/** What is said of the text as it is now: `settled` is the text that was tried last. */
function Beside({ draft, settled, found, loads }: BesideProps) {
  const [tab, setTab] = useState<Tab>('Checks')
  const [question, setQuestion] = useState<Question>({})
  const changed = draft.text !== draft.base
  return (
    <>
      <SegmentedControl
        size="xs"
        fullWidth
        aria-label="What to look at"
        value={tab}
        onChange={(next) => setTab(next as Tab)}
        data={[...TABS]}
        mb="sm"
      />
      <div className={tab === 'Explain' || tab === 'In words' ? '' : 'card pad'}>
        {tab === 'Checks' && <Answer of={found}>{(one) => <Cases found={one} />}</Answer>}
        {tab === 'Changes' && <Changes was={draft.base} now={draft.text} />}
        {tab === 'History' && <Simulate key={settled} text={settled} disabled={!loads} />}
        {tab === 'Explain' && <Explaining asked={question} ask={setQuestion} text={loads && changed ? settled : ''} />}
        {tab === 'In words' &&
          (found.data?.says ? <PolicyWords says={found.data.says} /> : <Empty title="It cannot be read yet" />)}
      </div>
    </>
  )
}

type EditorProps = {
  draft: Draft
  set: (draft: (before: Draft) => Draft) => void
  found: TriedView | undefined
  name: string
}

function TheEditor({ draft, set, found, name }: EditorProps) {
  const form = useQuery(asking.policyForm)
  const groups = useQuery(asking.groups)
  const targets = useQuery(asking.allTargets)
  const names = useMemo<Names>(
    () => ({
      people: [
        ...(groups.data ?? []).map((one) => `group:${one.id}`),
        ...new Set((groups.data ?? []).flatMap((one) => one.members.map((person) => person.email))),
      ],
      targets: (targets.data ?? []).map((one) => one.id),
      roles: [...new Set((targets.data ?? []).flatMap((one) => one.roles.map((role) => role.name)))],
    }),
    [groups.data, targets.data],
  )
  const remarks = useMemo(() => remarksOf(found), [found])
  return (
    <PolicyEditor
      label={`The policy ${name} in YAML`}
      value={draft.text}
      change={(text) => set((before) => ({ ...before, text }))}
      schema={form.data}
      names={names}
      remarks={remarks}
    />
  )
}

/** What the server says, at its line (`the changed file:7: …`). */
function remarksOf(found: TriedView | undefined): Remark[] {
  const failed = (found?.cases ?? []).filter((one) => one.state === 'FAILED')
  const cases = failed.map((one) => ({ where: one.id, says: one.said }))
  const whole = found?.problem && failed.length === 0 ? [{ where: found.problem, says: found.problem }] : []
  return [...cases, ...whole].flatMap(({ where, says }) => {
    const line = /^the changed file:(\d+)/.exec(where)?.[1]
    return line ? [{ line: Number(line), says: says.replace(/^the changed file:\d+: ?/, '') }] : []
  })
}

function Changes({ was, now }: { was: string; now: string }) {
  if (was === now) return <Empty title="Nothing is changed yet" />
  return (
    <Suspense fallback={<Waiting rows={6} />}>
      <Diff was={was} now={now} label="What is changed" />
    </Suspense>
  )
}

function Overtaken({ draft, file, set }: { draft: Draft; file: PolicyView; set: (draft: Draft) => void }) {
  const [shown, setShown] = useState<'theirs' | 'mine' | null>(null)
  return (
    <div className="problem" role="alert" style={{ marginBottom: 12 }}>
      <div className="strong">The file was changed since you began</div>
      <div className="hint">
        Look at what somebody else changed and take it into your text. Then go on from there: what you propose is
        compared with what the file says now.
      </div>
      <Group gap={8} mt="xs">
        {draft.base && (
          <Button variant="default" onClick={() => setShown('theirs')}>
            What they changed
          </Button>
        )}
        <Button variant="default" onClick={() => setShown('mine')}>
          What mine would change now
        </Button>
        <Button onClick={() => set(rebased(draft, file))}>I have taken it over: go on</Button>
      </Group>
      {shown && (
        <div className="card" style={{ marginTop: 10 }}>
          <Changes
            was={shown === 'theirs' ? draft.base : file.text}
            now={shown === 'theirs' ? file.text : draft.text}
          />
        </div>
      )}
    </div>
  )
}

function Propose({ draft, ready, why, name }: { draft: Draft; ready: boolean; why: string; name: string }) {
  const [note, setNote] = useState('')
  const navigate = useNavigate()
  const doing = useDoing(
    () => got(api.proposePolicy({ body: { text: draft.text, note: note.trim(), was: draft.was } })),
    (made) => {
      throwAway(localStorage, name)
      void navigate({ to: `/policy/proposals/${made.id}` as '/' })
    },
    true,
  )
  return (
    <form
      className="card pad"
      aria-label="Propose it"
      style={{ marginTop: 14 }}
      onSubmit={(event) => {
        event.preventDefault()
        if (ready && note.trim()) doing.mutate(undefined)
      }}
    >
      <Textarea
        label="Why it should change"
        required
        autosize
        minRows={2}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      {doing.isError && <Wrong error={doing.error} />}
      <Group mt="sm" gap={10}>
        <Button type="submit" loading={doing.isPending} disabled={!ready || !note.trim()}>
          Propose to a second person
        </Button>
        <span className="small faint">{why}</span>
      </Group>
    </form>
  )
}
