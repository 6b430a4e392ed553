/** Emptying the queue: in order, one tab at a time, each thing removed only after the server's word for it.
 *
 * 4xx parks the one job, visibly, and the rest goes on; no network, 5xx and 429 keep everything for the next try;
 * 401 keeps everything until somebody signs in. Repeats are harmless: every job carries its own key.
 */

import { asProblem, type Problem } from '@/api/problem'
import { call } from '../api'
import { wire } from '../device'
import type { ScanAnswer, Told } from '../types'
import { uuid } from '../uuid'
import { database, type Job, type Kept, STRICT } from './db'
import { hear } from './incidents'

export type Outcome = 'empty' | 'busy' | 'offline' | 'signed_out' | 'stopped'
export interface Flush { outcome: Outcome; sent: number; parked: number; problem: Problem | null }
export type Send = (job: Job) => Promise<ScanAnswer | Told | undefined>

const AGAIN = new Set([0, 408, 425, 429])
const LEASE_MS = 30_000
const tab = uuid()

/** Send what is waiting. `person`: whose session it is; what others wrote on this phone waits for them. */
export async function flush(person: string | null, send: Send = deliver, told: () => void = () => {}): Promise<Flush> {
  const run = (): Promise<Flush> => drain(person, send, told)
  if (typeof navigator !== 'undefined' && navigator.locks) {
    return navigator.locks.request('caretaker-upload', { ifAvailable: true }, (lock) => (lock ? run() : BUSY))
  }
  if (!(await lease())) return BUSY
  try {
    return await run()
  } finally {
    await release()
  }
}
const BUSY: Flush = { outcome: 'busy', sent: 0, parked: 0, problem: null }

async function drain(person: string | null, send: Send, told: () => void): Promise<Flush> {
  const done = { sent: 0, parked: 0 }
  for (;;) {
    const job = next(await (await database()).getAll('jobs'), person)
    if (!job) return { outcome: 'empty', ...done, problem: null }
    try {
      await settle(job, await send(job))
      done.sent++
    } catch (error) {
      const problem = asProblem(error)
      if (problem.status === 401) return { outcome: 'signed_out', ...done, problem }
      if (AGAIN.has(problem.status)) return { outcome: 'offline', ...done, problem }
      if (problem.status >= 500) return { outcome: 'stopped', ...done, problem }
      await park(job, problem)
      done.parked++
    }
    told()
    if (!navigator.locks) await lease()
  }
}

/** Calls for help first, then incidents, then in the order things were made. */
export function next(jobs: readonly Job[], person: string | null): Job | undefined {
  const mine = jobs.filter((job) => job.state === 'waiting' && (person === null || job.person === person))
  return mine.find((job) => job.kind === 'sos') ?? mine.find((job) => job.kind === 'incident') ?? mine[0]
}

/** One job over the wire. */
async function deliver(job: Job): Promise<ScanAnswer | Told | undefined> {
  const db = await database()
  switch (job.kind) {
    case 'scan': {
      const row = await db.get('scans', job.ref)
      if (!row?.seal) throw new Error(`the scan ${job.ref} is in line without a seal`)
      return call<ScanAnswer>('/scans', { method: 'POST', json: wire(row.scan, row.seal), key: job.key })
    }
    case 'photo': {
      const photo = await db.get('photos', job.ref)
      if (!photo) throw new Error(`the photo ${job.ref} is in line but not on this phone`)
      await call(`/photos/${job.ref}`, { method: 'PUT', bytes: photo.bytes, key: job.key })
      return undefined
    }
    case 'open':
    case 'end':
      await call(`/rounds/${encodeURIComponent(job.ref)}/${job.kind}`, { method: 'POST', json: job.body ?? {}, key: job.key })
      return undefined
    case 'sos':
    case 'incident':
      return call<Told>(job.kind === 'sos' ? '/sos' : '/incidents', { method: 'POST', json: job.body ?? {}, key: job.key })
  }
}

/** The server has it: out of the queue, and its answer beside what was sent, in one step. */
async function settle(job: Job, answer: ScanAnswer | Told | undefined): Promise<void> {
  // before the job goes: what is neither in line nor answered would be shown as lost
  if ((job.kind === 'sos' || job.kind === 'incident') && answer) await hear(new Map([[job.ref, answer as Told]]))
  const tx = (await database()).transaction(['jobs', 'scans', 'photos'], 'readwrite', STRICT)
  if (job.seq !== undefined) await tx.objectStore('jobs').delete(job.seq)
  if (job.kind === 'scan') {
    const row = await tx.objectStore('scans').get(job.ref)
    if (row) await tx.objectStore('scans').put({ ...row, state: 'sent', answer: (answer as ScanAnswer | undefined) ?? null })
  } else if (job.kind === 'photo') {
    const photo = await tx.objectStore('photos').get(job.ref)
    if (photo) await tx.objectStore('photos').put({ ...photo, state: 'sent' })
  }
  await tx.done
}

async function park(job: Job, problem: Problem): Promise<void> {
  const { title, status, detail, code, facts } = problem
  const tx = (await database()).transaction(['jobs', 'scans'], 'readwrite', STRICT)
  await tx.objectStore('jobs').put({ ...job, state: 'parked', problem: { title, status, detail, code, facts } })
  const row = job.kind === 'scan' ? await tx.objectStore('scans').get(job.ref) : undefined
  if (row) await tx.objectStore('scans').put({ ...row, state: 'parked' })
  await tx.done
}

/** Try what was refused once more. */
export async function unpark(seq: number): Promise<void> {
  const tx = (await database()).transaction(['jobs', 'scans'], 'readwrite', STRICT)
  const job = await tx.objectStore('jobs').get(seq)
  if (job) await tx.objectStore('jobs').put({ ...job, state: 'waiting', problem: undefined })
  const row = job?.kind === 'scan' ? await tx.objectStore('scans').get(job.ref) : undefined
  if (row) await tx.objectStore('scans').put({ ...row, state: 'sealed' })
  await tx.done
}

/** Without Web Locks (plain http): a lease in the database, taken in one transaction. */
async function lease(): Promise<boolean> {
  const tx = (await database()).transaction('kept', 'readwrite')
  const held = (await tx.store.get('lease')) as Kept['lease'] | undefined
  const free = !held || held.tab === tab || held.until_ms < Date.now()
  if (free) await tx.store.put({ tab, until_ms: Date.now() + LEASE_MS }, 'lease')
  await tx.done
  return free
}

async function release(): Promise<void> {
  await (await database()).delete('kept', 'lease')
}
