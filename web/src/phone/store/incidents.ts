/** Incidents and calls for help: on disk first, in line before everything else, with what the server said about them. */

import type { Told } from '../types'
import { database, type Draft, type Job, type Kept, type Reported, STRICT } from './db'

const KEEP_MS = 86_400_000
const MOST = 20

/** Write it down and put it in line, its photos behind it: nobody waits for pictures. All or nothing. */
export async function report(one: Omit<Reported, 'told'>, body: Record<string, unknown>, photos: readonly string[] = []): Promise<void> {
  const tx = (await database()).transaction(['jobs', 'kept'], 'readwrite', STRICT)
  const job = (kind: Job['kind'], ref: string, more: Partial<Job> = {}): Promise<number> =>
    tx.objectStore('jobs').add({ kind, ref, key: ref, person: one.person, made_ms: one.made_ms, state: 'waiting', ...more })
  await job(one.kind === 'sos' ? 'sos' : 'incident', one.id, { body })
  for (const photo of photos) await job('photo', photo)
  const before = ((await tx.objectStore('kept').get('reported')) as Reported[] | undefined) ?? []
  await tx.objectStore('kept').put([{ ...one, told: null }, ...before].slice(0, MOST), 'reported')
  if (one.kind !== 'sos') await tx.objectStore('kept').delete('draft')
  await tx.done
}

/** What the server said of some of them; `gone`: it knows no such thing. */
export async function hear(told: ReadonlyMap<string, Told | 'gone'>): Promise<void> {
  const tx = (await database()).transaction('kept', 'readwrite', STRICT)
  const rows = ((await tx.store.get('reported')) as Kept['reported'] | undefined) ?? []
  const heard = rows.filter((row) => told.get(row.id) !== 'gone').map((row) => ({ ...row, told: (told.get(row.id) as Told | undefined) ?? row.told }))
  await tx.store.put(heard.filter((row) => !over(row) || row.made_ms > Date.now() - KEEP_MS), 'reported')
  await tx.done
}

export const over = (row: Reported): boolean => row.told?.state === 'closed'

export const EMPTY: Draft = { kind: '', checkpoint: '', place: '', order: false, description: '', people: '', measures: '', photos: [] }
