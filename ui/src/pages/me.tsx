// What I prove with that it is me: passkeys, a password, and two others where nothing is left.

import { Button, Group, Modal, PasswordInput, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { PasskeysView, PasskeyView } from '../client'
import * as api from '../client'
import { got } from '../logic/api'
import * as asking from '../logic/asking'
import { make, show, whyNot } from '../logic/passkeys'
import { know } from '../logic/visit'
import { Do, useDoing } from '../parts/doing'
import { Answer, Empty, Heading, Section, Wrong } from '../parts/page'
import { Said } from '../parts/said'
import { State } from '../parts/state'
import { Ago, Left } from '../parts/time'

export function MePage() {
  const mine = useQuery(asking.passkeys)
  return (
    <>
      <Heading title="My keys" lead="What you prove with that it is you, and what your votes are signed with." />
      <Answer of={mine}>
        {(found) => (
          <>
            <Passkeys mine={found} />
            <Password has={found.password} />
          </>
        )}
      </Answer>
      <VouchFor />
    </>
  )
}

function Passkeys({ mine }: { mine: PasskeysView }) {
  const live = mine.items.filter((one) => one.state === 'ENROLLED')
  const problem = whyNot(mine.rp_id)
  return (
    <Section title="Passkeys" note="they sign in, and sign votes so that anybody can check them">
      <div className="card">
        {live.length === 0 && (
          <Empty title="You have no passkey">One on this device, or a security key, takes a minute.</Empty>
        )}
        {live.map((one) => (
          <Line key={one.id} one={one} proven={!!mine.proof} />
        ))}
        <div className="pad">
          {problem && <p className="small faint">{problem}</p>}
          {!problem && mine.proof && <Enrol />}
          {!problem && !mine.proof && <Prove has={live.length > 0} password={mine.password} />}
        </div>
      </div>
    </Section>
  )
}

function Line({ one, proven }: { one: PasskeyView; proven: boolean }) {
  return (
    <div className="row">
      <State state={one.state} />
      <span className="grow cut">
        <b>
          <Said line text={one.name} />
        </b>{' '}
        <span className="faint small">
          {one.algorithm} · enrolled <Ago at={one.enrolled_at} />
          {one.last_used_at ? ' · used ' : ' · never used'}
          {one.last_used_at && <Ago at={one.last_used_at} />}
        </span>
      </span>
      <Rename one={one} />
      {proven && (
        <Do
          variant="subtle"
          color="alarm"
          size="compact-xs"
          act={() => got(api.removePasskey({ path: { id: one.id } }))}
          said="removed; what it signed stays signed, and nobody was signed out"
        >
          Remove
        </Do>
      )}
    </div>
  )
}

function Rename({ one }: { one: PasskeyView }) {
  const [open, setOpen] = useState(false)
  const [name, setName] = useState(one.name)
  const doing = useDoing(
    () => got(api.renamePasskey({ path: { id: one.id }, body: { name: name.trim() } })),
    () => setOpen(false),
    true,
  )
  return (
    <>
      <Button variant="subtle" size="compact-xs" onClick={() => setOpen(true)}>
        Rename
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title="Rename the passkey">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            doing.mutate(undefined)
          }}
        >
          <TextInput
            data-autofocus
            label="Its name"
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {doing.isError && <Wrong error={doing.error} />}
          <Button type="submit" mt="md" loading={doing.isPending} disabled={!name.trim()}>
            Save the name
          </Button>
        </form>
      </Modal>
    </>
  )
}

function Enrol() {
  const [name, setName] = useState('')
  const doing = useDoing(
    async () => got(api.enrolPasskey({ body: await make(await got(api.beginPasskey()), name.trim()) })),
    () => {
      setName('')
      notifications.show({ message: 'enrolled; the entry is in the log', color: 'day' })
    },
    true,
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        doing.mutate(undefined)
      }}
    >
      <Group align="flex-end" gap={8}>
        <TextInput
          label="A new passkey's name"
          placeholder="laptop, blue key"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" loading={doing.isPending} disabled={!name.trim()}>
          Enrol a passkey
        </Button>
      </Group>
      {doing.isError && <Wrong error={doing.error} />}
    </form>
  )
}

/** Being signed in is not enough to enrol or remove: what to do first. */
function Prove({ has, password }: { has: boolean; password: boolean }) {
  return (
    <>
      <p className="small">
        To enrol or remove one, show first that it is you:{' '}
        {has
          ? 'with a passkey that you have.'
          : `sign out, and in again with your ${password ? 'password' : 'identity provider, or with a password that the operator lets you set'}.`}
      </p>
      <Group gap={8}>
        {has && (
          <Do act={async () => got(api.stepUp({ body: await show(await got(api.beginStepUp())) }))} said="shown">
            Show a passkey
          </Do>
        )}
        <BeVouchedFor />
      </Group>
    </>
  )
}

function BeVouchedFor() {
  const mine = useQuery({ queryKey: ['vouching'], queryFn: () => got(api.myVouching()) })
  const one = mine.data?.vouching
  return (
    <>
      <Do variant="default" act={() => got(api.askForVouching())}>
        {one ? 'Another code' : 'I have lost it: ask two others'}
      </Do>
      {one && (
        <p className="small" style={{ margin: 0, width: '100%' }}>
          Tell <b className="mono">{one.id}</b> to two people of security or the operators, who vouch for you here or
          with <span className="mono">daypass passkeys vouch</span>. {one.by.length} of {one.need} have;{' '}
          <Left until={one.expires_at} over="over" /> left.
        </p>
      )}
    </>
  )
}

function Password({ has }: { has: boolean }) {
  const queries = useQueryClient()
  const [old, setOld] = useState('')
  const [fresh, setFresh] = useState('')
  const doing = useDoing(
    () => got(api.changePassword({ body: { old, new: fresh } })),
    () => {
      queries.clear()
      know(false)
    },
    true,
  )
  if (!has) return null
  return (
    <Section title="Password" note="changing it signs you out everywhere, also here">
      <form
        className="card pad"
        onSubmit={(event) => {
          event.preventDefault()
          doing.mutate(undefined)
        }}
      >
        <PasswordInput
          label="The old one"
          autoComplete="current-password"
          maw={360}
          value={old}
          onChange={(event) => setOld(event.currentTarget.value)}
        />
        <PasswordInput
          mt="xs"
          label="The new one"
          description="15 characters or more: a few words that only you join."
          autoComplete="new-password"
          maw={360}
          value={fresh}
          onChange={(event) => setFresh(event.currentTarget.value)}
        />
        {doing.isError && <Wrong error={doing.error} />}
        <Button type="submit" variant="default" mt="md" loading={doing.isPending} disabled={!old || !fresh}>
          Change the password
        </Button>
      </form>
    </Section>
  )
}

/** For security and operators; for others no code is known. */
function VouchFor() {
  const [code, setCode] = useState('')
  const looking = useDoing(() => got(api.showVouching({ path: { code: code.trim() } })), undefined, true)
  const found = looking.data
  return (
    <Section
      title="Vouch for somebody"
      note="security and operators: somebody told you a code, and you have spoken to them"
    >
      <div className="card pad">
        <Group align="flex-end" gap={8}>
          <TextInput
            label="The code that they told you"
            value={code}
            onChange={(event) => {
              setCode(event.currentTarget.value)
              looking.reset()
            }}
          />
          <Button variant="default" disabled={!code.trim()} onClick={() => looking.mutate(undefined)}>
            Look
          </Button>
        </Group>
        {looking.isError && <Wrong error={looking.error} />}
        {found && (
          <Group mt="md" gap={8}>
            <span>
              <b>{found.person.email}</b> wants to enrol or remove a passkey. {found.by.length} of {found.need} have
              vouched.
            </span>
            <Do
              act={() => got(api.vouch({ path: { code: found.id } }))}
              said="vouched; it is on record"
              done={() => {
                setCode('')
                looking.reset()
              }}
            >
              It is really them
            </Do>
          </Group>
        )}
      </div>
    </Section>
  )
}
