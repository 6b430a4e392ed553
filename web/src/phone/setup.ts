/** Getting a phone ready, step by step; each step can say whether it is done. */

import { ref } from 'vue'
import { database, keep, recall } from './store/db'
import { tested } from './state'

/** The one-time code of the link this page was opened by. */
export const enrolment = ref<string | null>(null)

export type Part = 'page' | 'reader' | 'rounds' | 'store'

export const isIos = (): boolean => /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1)
export const isWechat = (): boolean => /MicroMessenger/i.test(navigator.userAgent)
export const atHome = (): boolean =>
  matchMedia('(display-mode: standalone)').matches || (navigator as unknown as { standalone?: boolean }).standalone === true

/** Is the network really off? An honest flight test fetches nothing. */
export async function online(): Promise<boolean> {
  try {
    await fetch('/api/v1/health', { cache: 'no-store', signal: AbortSignal.timeout(3000) })
    return true
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return false
    throw error
  }
}

/** Everything a round needs without signal: what is missing. */
export async function selfTest(): Promise<Part[]> {
  const missing: Part[] = []
  const reader = await import('./decode').catch(() => null)
  if (!('caches' in globalThis) || !navigator.serviceWorker?.controller || !(await caches.match('/m'))) missing.push('page')
  if (!('caches' in globalThis) || !reader || !(await caches.match(reader.WASM)) || !(await works(reader.warm))) missing.push('reader')
  if (!(await recall('today'))) missing.push('rounds')
  if (!(await works(async () => { await keep('probe', Date.now()); await (await database()).count('scans') }))) missing.push('store')
  return missing
}

/** Passed, in flight mode. */
export async function passed(): Promise<void> {
  tested.value = Date.now()
  await keep('tested', tested.value)
}

async function works(what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what()
    return true
  } catch (error) {
    console.warn('self-test', error)
    return false
  }
}
