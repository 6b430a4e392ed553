/** What is on the screen: today's rounds, what is in line, who is signed in, whether the server answers. */

import { computed, reactive, ref, shallowRef } from 'vue'
import { asProblem, type Problem } from '@/api/problem'
import { call } from './api'
import { makeKey, publicJwk } from './device'
import type { Given } from './route'
import { database, type Job, keep, type Owner, recall, type Reported, type ScanRow } from './store/db'
import { hear, over } from './store/incidents'
import { sealAll, tidy } from './store/scans'
import { flush } from './store/sync'
import type { AssetNow, Person, Today, Told } from './types'
import { t } from './words'
import { zone } from './words/time'

// shallow: what comes out of the database goes back into it, and a proxy cannot be stored
export const now = ref(Date.now())
export const today = shallowRef<Today | null>(null)
export const todayAt = ref(0)
export const owner = shallowRef<Owner | null>(null)
export const scans = shallowRef<ScanRow[]>([])
export const jobs = shallowRef<Job[]>([])
export const ended = shallowRef<Record<string, number>>({})
export const reported = shallowRef<Reported[]>([])
export const tested = ref(0)
export const notice = ref('')
/** The sticker this page was opened by. */
export const given = shallowRef<Given | null>(null)

/** `since`: when the server was last reached or first missed. */
export const link = reactive({ state: 'unknown' as 'unknown' | 'up' | 'down' | 'signed_out', since: Date.now(), problem: null as Problem | null })

/** Everything not yet with the server: sealed work in line and the scan being answered. */
export const waiting = computed(
  () => jobs.value.filter((job) => job.state === 'waiting' && job.kind !== 'photo').length + scans.value.filter((row) => row.state === 'draft').length,
)
export const waitingPhotos = computed(() => jobs.value.filter((job) => job.state === 'waiting' && job.kind === 'photo').length)
export const parked = computed(() => jobs.value.filter((job) => job.state === 'parked').length)

const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('caretaker-phone')

/** Read the database again, and tell the other tabs to. */
export async function refresh(tell = true): Promise<void> {
  const db = await database()
  // one look at both: between two, a scan on its way from one to the other would be counted nowhere
  const tx = db.transaction(['scans', 'jobs'])
  const [rows, line] = await Promise.all([tx.objectStore('scans').index('made').getAll(), tx.objectStore('jobs').getAll()])
  const done = (await recall('ended')) ?? {}
  const told = (await recall('reported')) ?? []
  scans.value = rows
  jobs.value = line
  ended.value = done
  reported.value = told
  if (tell) tabs?.postMessage('changed')
}

/** Do something that writes to this phone; say so when the phone refuses (its storage is full, mostly). */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    notice.value = t('link.memory', { why: error.name })
    return false
  } finally {
    await refresh()
  }
}

function reached(state: 'up' | 'down' | 'signed_out', problem: Problem | null = null): void {
  if (link.state !== state) Object.assign(link, { state, since: Date.now() })
  link.problem = problem
}

/** What a Problem says about the line. */
function learned(problem: Problem): void {
  if (problem.status === 401) reached('signed_out', problem)
  else if (problem.status === 0) reached('down', problem)
  else reached('up', problem)
}

export function me(): Person | null {
  return owner.value?.person ?? today.value?.person ?? null
}

/** Rounds of today, kept for when there is no signal. */
export async function download(): Promise<void> {
  try {
    const fresh = await call<Today>('/m/today')
    reached('up')
    await show(fresh, Date.now())
    await keep('today', { value: fresh, at_ms: todayAt.value })
    owner.value = { phone: fresh.phone ?? owner.value?.phone ?? null, person: { id: fresh.person.id, name: fresh.person.name } }
    await keep('owner', owner.value)
  } catch (error) {
    learned(asProblem(error))
  }
}

async function show(fresh: Today, at_ms: number): Promise<void> {
  today.value = fresh
  todayAt.value = at_ms
  zone.value = fresh.site.zone
}

let flushing: Promise<void> | null = null
let again = false
let pause_ms = 1000
let not_before = 0

/** Send what is in line. `hurry`: something has changed, do not wait out the pause. */
export async function upload(hurry = false): Promise<void> {
  if (hurry) { pause_ms = 1000; not_before = 0 }
  if (Date.now() < not_before) return
  if (flushing) { again ||= hurry; return flushing }
  flushing = once().finally(() => { flushing = null })
  await flushing
  if (again) { again = false; await upload(true) }
}

async function once(): Promise<void> {
  if (!jobs.value.some((job) => job.state === 'waiting')) return
  const result = await flush(me()?.id ?? null, undefined, () => void refresh())
  if (result.outcome === 'busy') return
  if (result.outcome === 'empty' || result.sent + result.parked > 0) pause_ms = 1000
  if (result.outcome !== 'empty') {
    not_before = Date.now() + pause_ms
    pause_ms = Math.min(pause_ms * 2, 30_000)
  }
  if (result.problem) learned(result.problem)
  else if (result.sent > 0) reached('up')
  await refresh()
  if (result.sent > 0 && result.outcome === 'empty') await download()
}

let asking = false
/** Who comes? Asked every few seconds while nobody has taken what was reported here, rarely until it is closed. */
export async function ask(): Promise<void> {
  const due = reported.value.filter((row) => row.told && !over(row) && row.person === me()?.id && now.value - row.made_ms < ASK_MS)
  const often = due.some((row) => row.told?.state === 'reported')
  if (asking || !due.length || document.visibilityState !== 'visible' || (!often && Date.now() < rest)) return
  asking = true
  rest = Date.now() + REST_MS
  const heard = new Map<string, Told | 'gone'>()
  try {
    for (const row of due) {
      try {
        heard.set(row.id, await call<Told>(`/incidents/${row.id}`))
        reached('up')
      } catch (error) {
        const problem = asProblem(error)
        if (problem.status === 404) heard.set(row.id, 'gone')
        else return learned(problem)
      }
    }
  } finally {
    asking = false
    if (heard.size) await hear(heard).then(() => refresh())
  }
}
const ASK_EVERY_MS = 3000
const REST_MS = 60_000
const ASK_MS = 24 * 3_600_000
let rest = 0

const IDLE_MS = 10 * 60_000

/** Start: the database first, the network after; then on its events and on a timer (there is no Background Sync on iOS). */
export async function start(): Promise<void> {
  owner.value = (await recall('owner')) ?? null
  tested.value = (await recall('tested')) ?? 0
  const kept = await recall('today')
  if (kept) await show(kept.value, kept.at_ms)
  await refresh(false)
  tabs?.addEventListener('message', () => void refresh(false))
  const wake = (): void => { rest = 0; void upload(true); void download(); void ask() }
  addEventListener('online', wake)
  addEventListener('offline', () => reached('down'))
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') wake() })
  setInterval(() => { now.value = Date.now() }, 1000)
  setInterval(() => void upload(), 5000)
  setInterval(() => void ask(), ASK_EVERY_MS)
  setInterval(() => {
    void sealAll(IDLE_MS).then((count) => (count ? refresh().then(() => upload(true)) : undefined))
    if (document.visibilityState === 'visible') void download()
  }, 60_000)
  await tidy()
  await refresh(false)
  void download().then(() => upload(true))
}

/** Make this phone somebody's: its public key and a PIN of the person's choice against a one-time code.
 *
 * The key is kept before it is told, so that a repeat after a lost answer tells the same one.
 */
export async function enrol(code: string, label: string, pin: string): Promise<void> {
  const key = (await recall('key')) ?? (await makeKey())
  if (key) await keep('key', key)
  const public_key = key ? await publicJwk(key) : null
  const made = await call<{ phone: { id: string }; person: Person }>('/phones', { method: 'POST', json: { code, public_key, label, pin } })
  if (made.phone.id !== owner.value?.phone) await keep('chain', { counter: 0, previous: '' })
  owner.value = { phone: made.phone.id, person: { id: made.person.id, name: made.person.name } }
  await keep('owner', owner.value)
  await download()
}

export async function signIn(pin: string): Promise<void> {
  await call('/session', { method: 'POST', json: { phone: owner.value?.phone, pin } })
  reached('up')
  await download()
  await upload(true)
}

/** The asset at a checkpoint: what the server said last, with when that was. */
export function assetNow(checkpoint: string): { asset: AssetNow; at_ms: number } | null {
  const sent = scans.value.findLast((row) => row.scan.checkpoint === checkpoint && row.answer?.asset)
  const cached = today.value?.checkpoints[checkpoint]?.asset_now
  const said = sent?.answer?.asset ? { asset: sent.answer.asset, at_ms: sent.answer.received_ms ?? sent.made_ms } : null
  if (cached && (!said || said.at_ms <= todayAt.value)) return { asset: cached, at_ms: todayAt.value }
  return said
}
