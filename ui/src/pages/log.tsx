// The transparency page: what is published, and a proof that is checked here, on the reader's own machine.

import { Button, NumberInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import * as api from '../client'
import { got } from '../logic/api'
import { check, parseCheckpoint, type Step } from '../logic/proof'
import { whole } from '../logic/times'
import { Command } from '../parts/copy'
import { Answer, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'

const text = async (path: string): Promise<string> => {
  const answer = await fetch(path, { cache: 'no-store' })
  if (!answer.ok) throw new Error('the published log is not open to you here (ledger.public)')
  return answer.text()
}

const REFRESH_MS = 3000

export function LogPage() {
  const { index } = useParams({ strict: false }) as { index?: string }
  const navigate = useNavigate()
  const published = useQuery({
    queryKey: ['checkpoint'],
    queryFn: async () => ({ note: await text('/ledger/checkpoint'), vkey: (await text('/ledger/vkey')).trim() }),
    refetchInterval: REFRESH_MS,
  })
  const [wanted, setWanted] = useState<string | number>(index ?? '')
  return (
    <>
      <Heading
        title="Transparency"
        lead="Everything that happens is an entry in a log that only grows. Its signed checkpoints and its tiles are published; anybody can check that an entry stands in it, and that nothing was taken out."
      />
      <div className="two">
        <div>
          <Section title="Check an entry here">
            <div className="card pad">
              <form
                style={{ display: 'flex', gap: 8, alignItems: 'flex-end' }}
                onSubmit={(event) => {
                  event.preventDefault()
                  if (wanted !== '') void navigate({ to: `/log/${wanted}` as '/' })
                }}
              >
                <NumberInput
                  label="Its number in the log"
                  min={0}
                  allowDecimal={false}
                  size="sm"
                  value={wanted}
                  onChange={setWanted}
                  hideControls
                />
                <Button type="submit" size="sm" disabled={wanted === ''}>
                  Check
                </Button>
              </form>
              {index !== undefined && <Checked key={index} index={Number(index)} />}
            </div>
          </Section>
        </div>
        <aside>
          <Section title="The latest checkpoint">
            <div className="card pad">
              <Answer of={published}>{({ note, vkey }) => <Latest note={note} vkey={vkey} />}</Answer>
            </div>
          </Section>
          <Section title="Check everything, offline">
            <div className="card pad small">
              <p style={{ marginTop: 0 }}>
                The verifier needs the published files and the key, and no server. Keep an old checkpoint: with it, the
                log cannot be rewritten unnoticed.
              </p>
              <Command
                text={`daypass ledger verify ${location.origin}/ledger --vkey '${published.data?.vkey ?? 'VKEY'}'`}
                what="the command"
              />
              <p>Any verifier of C2SP tlog-tiles takes it as well.</p>
            </div>
          </Section>
          <Section title="What the log does not show">
            <div className="card pad small">
              <ul className="exclusions">
                <li>
                  What people wrote, and what statements said: that stands apart, so that it can be erased. The log
                  holds salted commitments to it, and an erasure is an entry itself.
                </li>
                <li>Names and addresses: entries hold ids. Whose they are, the server says, and forgets on request.</li>
                <li>
                  Rows that clients saw, unless the target says <code>record: results</code>; copied data by its digest
                  only; never a password or a token.
                </li>
                <li>What happens at a target without Daypass: somebody with a login of their own is not seen here.</li>
                <li>
                  What is younger than the latest checkpoint. When nothing happens, an entry every minute says so:
                  silence is sealed too.
                </li>
                <li>
                  A recording that has a gap says that it has one, and an end that could not be shown is an alarm.
                </li>
              </ul>
            </div>
          </Section>
        </aside>
      </div>
    </>
  )
}

function Latest({ note, vkey }: { note: string; vkey: string }) {
  const checkpoint = parseCheckpoint(note)
  const witnesses = checkpoint.signatures.map((one) => one.name).filter((name) => name !== checkpoint.origin)
  return (
    <dl className="facts small">
      <dt>log</dt>
      <dd>
        <Said line text={checkpoint.origin} />
      </dd>
      <dt>entries</dt>
      <dd className="num">{checkpoint.size.toLocaleString('en-GB')}</dd>
      <dt>root</dt>
      <dd className="mono tiny" style={{ overflowWrap: 'anywhere' }}>
        {note.split('\n')[2]}
      </dd>
      <dt>signed by</dt>
      <dd>{checkpoint.signatures.filter((one) => one.name === checkpoint.origin).length ? 'the log' : 'nobody'}</dd>
      <dt>witnesses</dt>
      <dd>{witnesses.length ? <Said text={witnesses.join(', ')} /> : 'none are set up'}</dd>
      <dt>key</dt>
      <dd className="mono tiny" style={{ overflowWrap: 'anywhere' }}>
        {vkey}
      </dd>
    </dl>
  )
}

function Checked({ index }: { index: number }) {
  const found = useQuery({
    queryKey: ['log', index],
    queryFn: async (): Promise<{ entry: string; t: number; type: string; steps: Step[] }> => {
      const opened = await got(api.openEntry({ path: { index } }))
      const [receipt, vkey] = await Promise.all([
        got(api.getReceipt({ path: { id: opened.id }, query: { wait: '3s' }, parseAs: 'text' })),
        text('/ledger/vkey'),
      ])
      return { ...opened, steps: await check(opened.entry, index, String(receipt), vkey) }
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (found.error) {
    return (
      <div style={{ marginTop: 14 }}>
        <Wrong error={found.error} again={() => void found.refetch()} />
      </div>
    )
  }
  return (
    <Answer of={found}>
      {(data) => {
        const good = data.steps.length > 0 && data.steps.every((step) => step.holds)
        return (
          <div style={{ marginTop: 16 }}>
            <div className="state" data-tone={good ? 'good' : 'bad'} role="status">
              {good ? 'it stands in the log' : 'this could not be shown'}
            </div>
            <p className="small faint" style={{ margin: '4px 0 10px' }}>
              {data.type}, {whole(data.t)}. Checked in this browser, with its own hashes and signature check.
            </p>
            {data.steps.map((step) => (
              <div key={step.says} style={{ display: 'flex', gap: 9, marginBottom: 8 }}>
                {step.holds ? (
                  <Check size={16} color="var(--good)" aria-label="holds" style={{ flex: 'none' }} />
                ) : (
                  <X size={16} color="var(--bad)" aria-label="does not hold" style={{ flex: 'none' }} />
                )}
                <div style={{ minWidth: 0 }}>
                  <div className="small strong">{step.says}</div>
                  <div className="mono tiny faint" style={{ overflowWrap: 'anywhere' }}>
                    {step.detail}
                  </div>
                </div>
              </div>
            ))}
            <div className="small strong" style={{ marginTop: 12 }}>
              The entry
            </div>
            <div className="sql tiny card pad" style={{ background: 'var(--soft)' }}>
              <Said text={data.entry} most={4000} mono />
            </div>
          </div>
        )
      }}
    </Answer>
  )
}
