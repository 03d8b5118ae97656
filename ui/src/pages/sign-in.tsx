// Signing in: at the identity provider where there is one, or with a token of one's own.

import { Button, PasswordInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { signInWithToken, waysToSignIn } from '../client'
import icon from '../icon.svg'
import { got, Refusal } from '../logic/api'
import { know } from '../logic/visit'
import { Wrong } from '../parts/page'

/** What the way over the identity provider ended with, which is told in the address. */
function cameBackWith(): Refusal | null {
  const told = new URLSearchParams(location.search)
  const problem = location.pathname === '/sign-in' ? told.get('problem') : null
  return problem ? new Refusal(0, problem, told.get('hint') ?? '') : null
}

/** Where to go when signed in: here, unless here is only about signing in. */
const next = () => (['/sign-in', '/signed-out'].includes(location.pathname) ? '/' : location.pathname + location.search)

export function SignInPage() {
  const queries = useQueryClient()
  const [secret, setSecret] = useState('')
  const [problem, setProblem] = useState<unknown>(cameBackWith)
  const ways = useQuery({ queryKey: ['ways'], queryFn: () => got(waysToSignIn()), retry: false })
  const [busy, setBusy] = useState(false)

  async function enter(): Promise<void> {
    setBusy(true)
    setProblem(null)
    try {
      await got(signInWithToken({ body: { token: secret.trim() } }))
      queries.clear()
      know(true)
    } catch (error) {
      setProblem(error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <main style={{ display: 'grid', placeItems: 'center', minHeight: '100dvh', padding: 16 }}>
      <div className="card" style={{ width: 'min(400px, 100%)', padding: '28px 28px 24px' }}>
        <img src={icon} width={40} height={40} alt="" />
        <h1 style={{ margin: '14px 0 4px' }}>Daypass</h1>
        <p className="faint" style={{ margin: '0 0 20px' }}>
          Temporary production access, on the record.
        </p>
        {ways.data?.ways.includes('oidc') && (
          <Button
            component="a"
            href={`/api/v1/sign-in/oidc?next=${encodeURIComponent(next())}`}
            fullWidth
            mb="lg"
            size="sm"
          >
            Sign in at the identity provider
          </Button>
        )}
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void enter()
          }}
        >
          <PasswordInput
            label="Your token"
            description="It begins with dp_. This browser keeps a cookie instead of it."
            autoFocus
            autoComplete="off"
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'show the token', tabIndex: 0 }}
          />
          <Button type="submit" fullWidth mt="md" size="sm" loading={busy} disabled={!secret.trim()}>
            Sign in
          </Button>
        </form>
        {problem !== null && (
          <div style={{ marginTop: 14 }}>
            <Wrong error={problem} />
          </div>
        )}
        <p className="faint small" style={{ margin: '18px 0 0' }}>
          No token yet? The operator makes one: <span className="mono">daypass people token EMAIL</span>
        </p>
      </div>
    </main>
  )
}
