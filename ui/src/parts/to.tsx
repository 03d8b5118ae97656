// A link within the app, to an address that is put together from what the server said.

import { Link } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, Ref } from 'react'

type Props = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & {
  to: string
  exact?: boolean
  search?: Record<string, string>
  ref?: Ref<HTMLAnchorElement>
}

export function To({ to, exact = false, ...rest }: Props) {
  return <Link to={to as '/'} activeOptions={{ exact, includeSearch: false }} {...(rest as object)} />
}
