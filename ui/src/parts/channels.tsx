// Over what people are told, a test of each, and what nobody could be told.

import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Send } from 'lucide-react'
import type { ChannelView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import { Do } from './doing'
import { Answer, Empty, Section, Wrong } from './page'
import { Said } from './said'
import { State } from './state'

export function Channels() {
  const found = useQuery({ queryKey: ['channels'], queryFn: async () => (await got(api.listChannels())).items })
  return (
    <>
      <Section title="Channels">
        <div className="card">
          <Answer of={found}>
            {(all) =>
              all.length === 0 ? (
                <Empty title="People are told here, and nowhere else">
                  E-mail, Slack, Teams and webhooks are set up under notify in the settings; docs/telling.md shows how.
                </Empty>
              ) : (
                all.map((one) => <Channel key={one.id} one={one} />)
              )
            }
          </Answer>
        </div>
      </Section>
      <Untold />
    </>
  )
}

function Channel({ one }: { one: ChannelView }) {
  const testing = useMutation({ mutationFn: () => got(api.testChannel({ path: { name: one.id } })) })
  const done = testing.data
  return (
    <div className="row" style={{ flexWrap: 'wrap' }}>
      <span className="grow">
        <b>{one.id}</b>{' '}
        <span className="small faint">
          {one.state === 'ROOM' ? 'a room that many read' : 'to each person'}
          {one.only.length > 0 && `, only ${one.only.join(', ')}`}
        </span>
      </span>
      <Button
        variant="default"
        size="compact-xs"
        leftSection={<Send size={12} />}
        loading={testing.isPending}
        onClick={() => testing.mutate()}
      >
        Send a test
      </Button>
      {testing.isError && <Wrong error={testing.error} />}
      {done && (
        <div role="status" className="small" style={{ flexBasis: '100%' }}>
          <State state={done.state} tone={done.state === 'SENT' ? 'good' : 'bad'} />{' '}
          {done.state === 'SENT' ? (
            `its receiver took it${done.to ? `, for ${done.to}` : ''}`
          ) : (
            <Said text={done.problem} />
          )}
          {done.hint && <div className="faint">{done.hint}</div>}
        </div>
      )}
    </div>
  )
}

function Untold() {
  const failed = useQuery({
    queryKey: ['untold'],
    queryFn: async () => (await got(api.listNotices({ query: { view: 'failed' } }))).items,
    retry: false,
  })
  if (!failed.data) return null
  return (
    <Section title="What nobody could be told">
      <div className="card">
        {failed.data.length === 0 && <Empty title="Everybody was told everything" />}
        {failed.data.map((one) => (
          <div key={one.id} className="row">
            <span className="grow cut">
              {one.channel}: <Said line text={one.title || one.kind} />{' '}
              <span className="faint">
                <Said line text={one.problem} />
              </span>
            </span>
            <Do variant="default" size="compact-xs" act={() => got(api.retryNotice({ path: { id: one.id } }))}>
              Try again
            </Do>
          </div>
        ))}
      </div>
    </Section>
  )
}
