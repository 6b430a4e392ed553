/** Writing down: a scan first, its answers and photos as they come, then the seal that puts it in line. */

import { anchorNow, boot, monotonic } from '../boot'
import { canonical, sign } from '../device'
import { sha256 } from '../sha256'
import type { Answer, Position, TokenType } from '../types'
import { uuid } from '../uuid'
import { type Chain, database, type JobKind, type Kept, type ScanRow, STRICT } from './db'

export interface Seen { round: string | null; checkpoint: string; token: string; token_type: TokenType; position: Position | null }

/** The scan is on disk when this returns. An earlier one still being answered is sealed first: order is order. */
export async function begin(seen: Seen, person: string): Promise<ScanRow> {
  const at = { device_ms: Date.now(), monotonic_ms: monotonic(), boot: boot(), anchor: anchorNow() }
  await sealAll()
  const row: ScanRow = {
    id: uuid(), person, made_ms: at.device_ms, touched_ms: at.device_ms, state: 'draft', seal: null, answer: null,
    scan: { id: '', ...seen, ...at, answers: [], photos: [] },
  }
  row.scan.id = row.id
  const tx = (await database()).transaction('scans', 'readwrite', STRICT)
  await tx.store.add(row)
  await tx.done
  return row
}

/** One answer, replacing an earlier one to the same check; null takes it back. Only while the scan is a draft. */
export async function answer(scanId: string, check: string, given: Answer | null): Promise<void> {
  const tx = (await database()).transaction('scans', 'readwrite', STRICT)
  const row = await tx.store.get(scanId)
  if (row?.state === 'draft') {
    const answers = row.scan.answers.filter((one) => one.check !== check)
    if (given) answers.push(given)
    row.scan.answers = answers
    row.touched_ms = Date.now()
    await tx.store.put(row)
  }
  await tx.done
}

/** Keep a photo. Returns its hash; the same picture twice is one photo. */
export async function keepPhoto(bytes: ArrayBuffer, scan: string): Promise<string> {
  const hash = sha256(new Uint8Array(bytes))
  const tx = (await database()).transaction('photos', 'readwrite', STRICT)
  if (!(await tx.store.get(hash))) await tx.store.put({ sha256: hash, bytes, taken_ms: Date.now(), scan, state: 'kept' })
  await tx.done
  return hash
}

/** Done with a point: number it, chain it, sign it and put it in line, photos before it, all or nothing. */
export async function seal(scanId: string): Promise<void> {
  const db = await database()
  for (;;) {
    const row = await db.get('scans', scanId)
    if (!row || row.state !== 'draft') return
    const before = ((await db.get('kept', 'chain')) as Chain | undefined) ?? { counter: 0, previous: '' }
    const key = (await db.get('kept', 'key')) as Kept['key'] | undefined
    row.scan.photos = [...new Set(row.scan.answers.flatMap((one) => one.photos))]
    const counter = before.counter + 1
    const text = canonical(row.scan, counter, before.previous)
    const signature = await sign(key ?? null, text)

    // Signing may not happen inside a transaction, so look again whether anybody else was faster.
    const tx = db.transaction(['scans', 'jobs', 'kept'], 'readwrite', STRICT)
    const now = await tx.objectStore('scans').get(scanId)
    const chain = ((await tx.objectStore('kept').get('chain')) as Chain | undefined) ?? { counter: 0, previous: '' }
    const same = now?.state === 'draft' && now.touched_ms === row.touched_ms && chain.counter === before.counter
    if (same) {
      row.state = 'sealed'
      row.seal = { counter, previous: before.previous, signature }
      await tx.objectStore('kept').put({ counter, previous: sha256(text) }, 'chain')
      await tx.objectStore('scans').put(row)
      const job = (kind: JobKind, ref: string): Promise<number> =>
        tx.objectStore('jobs').add({ kind, ref, key: ref, person: row.person, made_ms: row.made_ms, state: 'waiting' })
      for (const photo of row.scan.photos) await job('photo', photo)
      await job('scan', row.id)
    }
    await tx.done
    if (same) return
  }
}

/** Drafts, oldest first; `idle_ms`: only those nobody touched for so long. */
export async function sealAll(idle_ms = 0): Promise<number> {
  const rows = await (await database()).getAllFromIndex('scans', 'made')
  const due = rows.filter((row) => row.state === 'draft' && Date.now() - row.touched_ms >= idle_ms)
  for (const row of due) await seal(row.id)
  return due.length
}

/** Something else for the server: the beginning or the end of a round. */
export async function enqueue(kind: 'open' | 'end', ref: string, body: Record<string, unknown>, person: string): Promise<void> {
  const tx = (await database()).transaction(['jobs', 'kept'], 'readwrite', STRICT)
  await tx.objectStore('jobs').add({ kind, ref, key: uuid(), person, made_ms: Date.now(), state: 'waiting', body })
  if (kind === 'end') {
    const ended = ((await tx.objectStore('kept').get('ended')) as Kept['ended'] | undefined) ?? {}
    await tx.objectStore('kept').put({ ...ended, [ref]: Date.now() }, 'ended')
  }
  await tx.done
}

const KEEP_MS = 3 * 86_400_000

/** Sent scans and photos older than three days make room. What has not been sent is never touched. */
export async function tidy(): Promise<void> {
  const tx = (await database()).transaction(['scans', 'photos'], 'readwrite')
  const old = Date.now() - KEEP_MS
  for (const row of await tx.objectStore('scans').getAll()) {
    if (row.state === 'sent' && row.made_ms < old) await tx.objectStore('scans').delete(row.id)
  }
  for (let cursor = await tx.objectStore('photos').openCursor(); cursor; cursor = await cursor.continue()) {
    if (cursor.value.state === 'sent' && cursor.value.taken_ms < old) await cursor.delete()
  }
  await tx.done
}
