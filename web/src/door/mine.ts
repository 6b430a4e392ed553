/** Reports sent from this phone: their keys, kept here and nowhere else. The key is also in the page's address, after #. */

import { recall, remember } from './words'

interface Kept { place: string; key: string; at_ms: number }
const KEPT = 'caretaker.reports'
const MOST = 20
const LONG_MS = 90 * 86_400_000
const KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The place in a token: a newer sticker of it shows the same reports. */
export const placeIn = (token: string): string => token.split('.')[1] ?? ''

function all(): Kept[] {
  try {
    const found: unknown = JSON.parse(recall(KEPT) ?? '[]')
    const young = (one: Kept): boolean => Date.now() - one.at_ms < LONG_MS
    return Array.isArray(found) ? (found as Kept[]).filter((one) => KEY.test(one?.key ?? '') && young(one)) : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

export function keysHere(token: string): string[] {
  const kept = all().filter((one) => one.place === placeIn(token)).map((one) => one.key)
  const linked = /^#r=(.+)$/.exec(location.hash)?.[1] ?? ''
  return KEY.test(linked) && !kept.includes(linked) ? [linked, ...kept] : kept
}

export function keepKey(token: string, key: string): void {
  remember(KEPT, JSON.stringify([{ place: placeIn(token), key, at_ms: Date.now() }, ...all().filter((one) => one.key !== key)].slice(0, MOST)))
  history.replaceState(null, '', `#r=${key}`)
}
