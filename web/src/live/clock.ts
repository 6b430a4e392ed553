/** The server's time. A phone's own clock may be minutes wrong, so ages never use it directly. */

import { ref } from 'vue'

const STEP_MS = 500
const TICK_MS = 450

/** Server time of now, renewed twice a second: what every age on screen depends on. */
const now = ref(Date.now())
let offset = 0
let known = false

export const clock = {
  /** The ticking time for templates. */
  now,

  /** The server's time at this instant, ms. */
  read(): number {
    return Date.now() + offset
  },

  /** The server said it is `serverNow`. Small jitter is smoothed, a real difference is taken at once. */
  learn(serverNow: number): void {
    const seen = serverNow - Date.now()
    const jump = Math.abs(seen - offset) > 1500
    offset = known && !jump ? offset + (seen - offset) * 0.2 : seen
    known = true
    if (jump) now.value = clock.read()
  },

  /** New values have come: show their true age now instead of at the next tick. */
  tick(): void {
    const read = clock.read()
    if (read - now.value > TICK_MS) now.value = read
  },

  /** How wrong this device's clock is, ms. */
  offset(): number {
    return offset
  },
}

/** Let the time tick; returns what stops it. */
export function startClock(): () => void {
  now.value = clock.read()
  const timer = setInterval(() => {
    now.value = clock.read()
  }, STEP_MS)
  return () => clearInterval(timer)
}
