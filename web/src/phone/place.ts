/** Where somebody is by their last scan: good enough to send help to, if it is not long ago. */

import { scans } from './state'
import { placeOf } from './walk'
import { say } from './words'

const LONG_MS = 20 * 60_000

export function lastPlace(): string | null {
  const last = scans.value.findLast((row) => row.scan.checkpoint !== null)
  return last && Date.now() - last.made_ms < LONG_MS ? last.scan.checkpoint : null
}

export function titleOf(checkpoint: string | null): string {
  return checkpoint ? say(placeOf(checkpoint)?.title) || checkpoint : ''
}
