// What an access is limited to: the parts of its target, and when it begins or for how many days it comes back.

import { whole } from '../logic/times'
import { Said } from './said'

type Limited = { scope?: string[]; start_at: number | null; until?: number | null }

/** Lines of a list of facts; none where there is no limit. */
export function Limits({ of }: { of: Limited }) {
  const scope = of.scope ?? []
  return (
    <>
      {scope.length > 0 && (
        <>
          <dt>only</dt>
          <dd className="mono">
            <Said text={scope.join(', ')} />
          </dd>
        </>
      )}
      {of.start_at !== null && (
        <>
          <dt>not before</dt>
          <dd>{whole(of.start_at)}</dd>
        </>
      )}
      {of.until && (
        <>
          <dt>each day until</dt>
          <dd>{whole(of.until)}</dd>
        </>
      )}
    </>
  )
}
