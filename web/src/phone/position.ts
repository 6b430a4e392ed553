/** Where the phone thinks it is, if the person has allowed it before. Never waited for: a scan takes the last known one. */

import type { Position } from './types'

const FRESH_MS = 60_000
let last: { at: number; position: Position } | null = null
let watching = false

export async function watchPosition(ask = false): Promise<boolean> {
  if (!navigator.geolocation || watching) return watching
  const allowed = ask || (await navigator.permissions?.query({ name: 'geolocation' }).catch(() => null))?.state === 'granted'
  if (!allowed) return false
  watching = true
  navigator.geolocation.watchPosition(
    ({ coords }) => { last = { at: Date.now(), position: { lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.round(coords.accuracy) } } },
    () => { watching = false },
    { enableHighAccuracy: true, maximumAge: FRESH_MS, timeout: 30_000 },
  )
  return true
}

export function position(): Position | null {
  return last && Date.now() - last.at < FRESH_MS ? last.position : null
}
