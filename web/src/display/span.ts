/** How long a code is to be shown. Counted from the answer's own times: the display's clock may be years off. */

import type { DisplayCode } from '@/api/types'

/** How much time went by since: the larger of two clocks, because one stands still while a tablet sleeps and the other may
 * be set back. Neither makes a code live longer than it should. */
export interface Watch { monotonic: number; wall: number }
export const watchNow = (): Watch => ({ monotonic: performance.now(), wall: Date.now() })
export const since = (then: Watch, now: Watch): number => Math.max(now.monotonic - then.monotonic, now.wall - then.wall, 0)

/** A code with when it was asked for and when it came: it is over at the earliest, the next is asked for at the latest, so
 * that nothing stale is shown and no step is asked for before it has begun. */
export interface Held { code: DisplayCode; asked: Watch; came: Watch }

export const leftMs = (held: Held, now: Watch): number => held.code.ends_ms - held.code.now_ms - since(held.came, now)
export const isVoid = (held: Held, now: Watch): boolean => since(held.asked, now) >= held.code.void_ms - held.code.now_ms
export const serverNow = (held: Held, now: Watch): number => held.code.now_ms + since(held.came, now)
export const secondsLeft = (held: Held, now: Watch): number => Math.max(0, Math.ceil(leftMs(held, now) / 1000))

/** `/display/<checkpoint>#<secret>`; null when a part is missing. */
export function linkOf(path: string, hash: string): { checkpoint: string; secret: string } | null {
  const place = /^\/display\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})\/?$/.exec(path)
  const secret = /^#([A-Za-z0-9_-]{43})$/.exec(hash)
  return place && secret ? { checkpoint: place[1] as string, secret: secret[1] as string } : null
}
