/** The phone's monotonic clock. `boot` names one unbroken run of it.
 *
 * performance.now() starts with the page, and on Android it stands still while the phone sleeps. After a sleep (hidden page,
 * wall clock far ahead of it) the run is over: a new `boot` begins, so that an honest night's sleep never looks like a clock
 * that was moved. Anchors of an earlier run are dropped with it.
 */

import { uuid } from './uuid'
import type { Anchor } from './types'

const SLEPT_MS = 2000

let run = uuid()
let anchor: Anchor | null = null
let hidden: { wall: number; mono: number } | null = null

export const boot = (): string => run
export const monotonic = (): number => Math.round(performance.now())
export const anchorNow = (): Anchor | null => anchor

/** Remember the server's word for the time: `<server_ms>.<mac>`. */
export function keepAnchor(header: string | null): void {
  const found = /^([0-9]{1,16})\.([A-Za-z0-9_-]{1,200})$/.exec(header ?? '')
  if (found?.[1] && found[2]) anchor = { server_ms: Number(found[1]), monotonic_ms: monotonic(), mac: found[2] }
}

export function watchSleep(): void {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') {
      hidden = { wall: Date.now(), mono: performance.now() }
    } else if (hidden) {
      if (Math.abs(Date.now() - hidden.wall - (performance.now() - hidden.mono)) > SLEPT_MS) {
        run = uuid()
        anchor = null
      }
      hidden = null
    }
  })
}
