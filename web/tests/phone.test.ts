import { createHash, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answersText, canonical, makeKey, publicJwk, sign } from '@/phone/device'
import { stamp, takenAt, withTime } from '@/phone/exif'
import { current, nextStop, readNumber, resultOf, stops } from '@/phone/progress'
import { sha256 } from '@/phone/sha256'
import type { Job, ScanRow } from '@/phone/store/db'
import { next } from '@/phone/store/sync'
import { byShortCode, byTag, readToken, tagId } from '@/phone/token'
import type { Check, Checkpoint, Round, ScanBody } from '@/phone/types'
import { uuid } from '@/phone/uuid'

const MAC = 'A'.repeat(22)
const ROUND: Round = {
  id: 'r', title: { zh: '夜巡', en: 'Night' }, order: 'free', state: 'scheduled', starts_ms: 0, ends_ms: 100_000, tolerance_s: 10, person: null,
  visits: ['a', 'b', 'c'].map((checkpoint, at) => ({ checkpoint, sequence: at + 1, opens_ms: 0, closes_ms: 90_000 - at * 20_000, state: 'due', scan: null, walk_s: 30 })),
}
const SCAN: ScanBody = {
  id: '0b9f7c5e-0000-4000-8000-000000000001', round: 'r', checkpoint: 'a', token: `ct1.a.0.${MAC}`, token_type: 'printed', device_ms: 1_700_000_000_000,
  monotonic_ms: 1234, boot: 'b', position: null, anchor: null, photos: [],
  answers: [{ photos: [], check: 'leak', value: null, result: 'not_ok', reason: '泵“滴水”\n' }],
}
const row = (id: string, checkpoint: string, made_ms: number, more: Partial<ScanRow> = {}): ScanRow => ({
  id, person: 'p', made_ms, touched_ms: made_ms, state: 'sealed', seal: null, answer: null, scan: { ...SCAN, id, checkpoint, round: 'r' }, ...more,
})

describe('sha256', () => {
  it('is the one everybody knows, at every length around a block', () => {
    for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 300_001]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + length) & 255)
      expect(sha256(bytes), String(length)).toBe(createHash('sha256').update(bytes).digest('hex'))
    }
    expect(sha256('巡检')).toBe(createHash('sha256').update('巡检').digest('hex'))
  })
})

describe('a code', () => {
  it('is read bare or out of the address of any host, and nothing else is', () => {
    expect(readToken(` ct1.pump-room.0.${MAC}\n`)).toEqual({ text: `ct1.pump-room.0.${MAC}`, checkpoint: 'pump-room', type: 'printed' })
    expect(readToken(`https://elsewhere.example/s/ct1.gate.58.${MAC}`)?.type).toBe('rotating')
    for (const bad of ['', 'https://pay.example/?x', `ct2.a.0.${MAC}`, `ct1.a.0.${MAC}x`, `ct1.a.01.${MAC}`, `javascript:ct1.a.0.${MAC}`, ' '.repeat(180) + `ct1.a.0.${MAC}`, `http://h/s/ct1.a.0.${MAC}?go`]) {
      expect(readToken(bad), bad).toBeNull()
    }
  })

  it('of six digits is found by its hash only', () => {
    const place = { id: 'a', short_code_sha256: sha256('482075') } as Checkpoint
    expect(byShortCode('482 075', { a: place })).toBe(place)
    expect(byShortCode('482076', { a: place })).toBeNull()
    expect(byShortCode('48207', { a: place })).toBeNull()
  })

  it('of a tag is its serial number however it is written, found by its hash only', () => {
    for (const serial of ['04:a2:2b:1c:55:80:80', '04-A2-2B-1C-55-80-80', ' 04A22B1C558080 ']) expect(tagId(serial)).toBe('04a22b1c558080')
    for (const none of ['', '04:a2:2b', 'not a tag', '04a22b1c5580zz', 'ab'.repeat(21)]) expect(tagId(none), none).toBeNull()
    const place = { id: 'a', nfc_sha256: sha256('04a22b1c558080') } as Checkpoint
    expect(byTag('04a22b1c558080', { a: place, b: { id: 'b', nfc_sha256: null } as Checkpoint })).toBe(place)
    expect(byTag('04a22b1c558081', { a: place })).toBeNull()
  })

  it('without randomUUID the id is a UUID all the same', () => {
    const full = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
    Object.defineProperty(globalThis, 'crypto', { value: { getRandomValues: (into: Uint8Array) => webcrypto.getRandomValues(into) }, configurable: true })
    const made = new Set(Array.from({ length: 50 }, uuid))
    if (full) Object.defineProperty(globalThis, 'crypto', full)
    expect(made.size).toBe(50)
    for (const one of made) expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

describe('the signed text', () => {
  it('has its members in one order, whatever order they were written in', () => {
    expect(answersText(SCAN.answers)).toBe('[{"check":"leak","result":"not_ok","value":null,"reason":"泵“滴水”\\n","photos":[]}]')
    expect(canonical(SCAN, 7, 'ff')).toBe(
      `ct1\n["${SCAN.id}","r","a","${SCAN.token}","printed",1700000000000,1234,"b",7,"ff","${sha256(answersText(SCAN.answers))}",[]]`,
    )
  })

  it('is signed by a key that cannot be read out, and the signature fits', async () => {
    const key = await makeKey()
    if (!key) throw new Error('no key')
    const signature = Buffer.from(await sign(key, 'ct1'), 'base64url')
    expect(signature.length).toBe(64)
    expect(await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key.publicKey, signature, Buffer.from('ct1'))).toBe(true)
    await expect(crypto.subtle.exportKey('jwk', key.privateKey)).rejects.toThrow()
    expect(Object.keys(await publicJwk(key))).toEqual(['kty', 'crv', 'x', 'y'])
    expect(await sign(null, 'ct1')).toBe('')
  })
})

describe('a photo', () => {
  it('carries the time it was taken and nothing else', () => {
    const bare = Uint8Array.from([0xff, 0xd8, 0xff, 0xdb, 0, 4, 1, 2, 0xff, 0xda, 0, 2, 9, 9, 0xff, 0xd9]).buffer
    expect(takenAt(bare)).toBeNull()
    const dated = withTime(bare, '2026:11:23 18:41:52', '+08:00')
    expect(takenAt(dated)).toBe('2026:11:23 18:41:52')
    expect(takenAt(new Uint8Array([1, 2, 3, 4]).buffer)).toBeNull()
    expect(stamp(Date.now())).toMatch(/^\d{4}:\d\d:\d\d \d\d:\d\d:\d\d$/)
  })
})

describe('the walk', () => {
  it('counts a scan on this phone at once and leaves the parked one to be done again', () => {
    const all = stops(ROUND, [row('1', 'a', 5000), row('2', 'b', 6000, { state: 'parked' })], 7000)
    expect(all.map((stop) => stop.state)).toEqual(['here', 'due', 'due'])
    expect(nextStop(ROUND, all)?.visit.checkpoint).toBe('c')
    expect(nextStop({ ...ROUND, order: 'fixed' }, all)?.visit.checkpoint).toBe('b')
  })

  it('is late after the window and the tolerance, not before', () => {
    expect(stops(ROUND, [], 59_000).map((stop) => stop.late)).toEqual([false, false, false])
    expect(stops(ROUND, [], 61_000).map((stop) => stop.late)).toEqual([false, false, true])
    expect(stops(ROUND, [row('1', 'c', 61_000)], 99_000).map((stop) => stop.late)).toEqual([false, true, true])
  })

  it('takes two visits to one place for two scans of it', () => {
    const twice: Round = { ...ROUND, visits: [ROUND.visits[0]!, { ...ROUND.visits[0]!, sequence: 2 }] }
    expect(stops(twice, [row('1', 'a', 5000)], 0).map((stop) => stop.state)).toEqual(['here', 'due'])
  })

  it('goes on with the round under way, never with one ended here', () => {
    const later: Round = { ...ROUND, id: 'later', starts_ms: 50, state: 'in_progress' }
    expect(current([ROUND, later], {}, null)?.id).toBe('later')
    expect(current([ROUND, later], { later: 1 }, null)?.id).toBe('r')
    expect(current([ROUND, later], {}, 'r')?.id).toBe('r')
    expect(current([{ ...ROUND, state: 'finished' }], {}, null)).toBeNull()
  })
})

describe('a measured value', () => {
  const check: Check = { id: 'p', ask: { zh: '', en: '' }, type: 'number', limits: [0.55, 0.68], unit: 'MPa' }
  it('outside its limits is not OK, on them it is', () => {
    expect([0.54, 0.55, 0.68, 0.69].map((value) => resultOf(check, value))).toEqual(['not_ok', 'ok', 'ok', 'not_ok'])
  })
  it('is digits with one point or comma', () => {
    expect(['0,53', ' 12. ', '-4', '－4', '.5', '0.00001'].map(readNumber)).toEqual([0.53, 12, -4, -4, 0.5, 0])
    expect(['', '1e5', '1.2.3', 'NaN', '12a', '9'.repeat(13), '0x10'].map(readNumber)).toEqual(Array(7).fill(null))
  })
})

describe('the queue', () => {
  const job = (seq: number, more: Partial<Job> = {}): Job => ({ seq, kind: 'scan', ref: `s${seq}`, key: `s${seq}`, person: 'p', made_ms: seq, state: 'waiting', ...more })
  it('goes in order, past what is parked and what is somebody else\'s, a call for help first', () => {
    expect(next([job(1), job(2)], 'p')?.seq).toBe(1)
    expect(next([job(1, { state: 'parked' }), job(2)], 'p')?.seq).toBe(2)
    expect(next([job(1, { person: 'q' }), job(2)], 'p')?.seq).toBe(2)
    expect(next([job(1), job(2), job(3, { kind: 'sos' })], 'p')?.seq).toBe(3)
    expect(next([job(1), job(2, { kind: 'incident' }), job(3, { kind: 'incident' })], 'p')?.seq).toBe(2)
    expect(next([job(1), job(2, { kind: 'incident' }), job(3, { kind: 'sos' })], 'p')?.seq).toBe(3)
    expect(next([job(1, { state: 'parked' })], 'p')).toBeUndefined()
  })
})
