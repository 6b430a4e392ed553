/** What the phone keeps: IndexedDB, strictly durable where something was done that cannot be done again. */

import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import type { ProblemBody } from '@/api/problem'
import type { IncidentKind, ScanAnswer, ScanBody, Seal, Told, Today } from '../types'

/** A scan from its first moment: `draft` while checks are being answered, then `sealed`, then with what the server said. */
export interface ScanRow {
  id: string
  person: string
  made_ms: number
  touched_ms: number
  state: 'draft' | 'sealed' | 'sent' | 'parked'
  scan: ScanBody
  seal: Seal | null
  answer: ScanAnswer | null
}

export type JobKind = 'scan' | 'photo' | 'open' | 'end' | 'sos' | 'incident'
/** Something that must reach the server. `seq` is the order; `key` makes a repeat harmless. */
export interface Job {
  seq?: number
  kind: JobKind
  /** Of the scan, the photo's sha256, the round, the incident or the call for help. */
  ref: string
  key: string
  person: string
  made_ms: number
  state: 'waiting' | 'parked'
  body?: Record<string, unknown>
  problem?: ProblemBody
}

export interface Photo { sha256: string; bytes: ArrayBuffer; taken_ms: number; scan: string; state: 'kept' | 'sent' }
/** What was reported from this phone: `told` is null until the server has it. */
export interface Reported { id: string; kind: IncidentKind | 'sos'; person: string; place: string; made_ms: number; told: Told | null }
/** A report being written; kept, because a phone may be killed while somebody looks for words. */
export interface Draft { kind: IncidentKind | ''; checkpoint: string; place: string; order: boolean; description: string; people: string; measures: string; photos: string[] }
export interface Chain { counter: number; previous: string }
export interface Owner { phone: string | null; person: { id: string; name: string } }

export interface Kept {
  today: { value: Today; at_ms: number }
  owner: Owner
  key: CryptoKeyPair
  chain: Chain
  lease: { tab: string; until_ms: number }
  ended: Record<string, number>
  reported: Reported[]
  draft: Draft
  tested: number
  /** Written by the self-test to see that writing works. */
  probe: number
}

interface Schema extends DBSchema {
  kept: { key: string; value: unknown }
  scans: { key: string; value: ScanRow; indexes: { made: number } }
  jobs: { key: number; value: Job }
  photos: { key: string; value: Photo }
}
export type Database = IDBPDatabase<Schema>

export const STRICT = { durability: 'strict' } as const

let opened: Promise<Database> | null = null

export function database(name = 'caretaker-phone'): Promise<Database> {
  opened ??= openDB<Schema>(name, 1, {
    upgrade(db) {
      db.createObjectStore('kept')
      db.createObjectStore('scans', { keyPath: 'id' }).createIndex('made', 'made_ms')
      db.createObjectStore('jobs', { keyPath: 'seq', autoIncrement: true })
      db.createObjectStore('photos', { keyPath: 'sha256' })
    },
    // The browser closed it (storage cleared, crash of its process): the next call opens it again.
    terminated() { opened = null },
  })
  return opened
}

export async function recall<K extends keyof Kept>(key: K): Promise<Kept[K] | undefined> {
  return (await (await database()).get('kept', key)) as Kept[K] | undefined
}

export async function keep<K extends keyof Kept>(key: K, value: Kept[K]): Promise<void> {
  await (await database()).put('kept', value, key)
}
