/** SHA-256 (FIPS 180-4) in plain script: works without crypto.subtle (plain http), and inside an IndexedDB transaction,
 * which any awaited promise of another kind would end. */

const PRIMES = [...primes(64)]
const K = Uint32Array.from(PRIMES, (p) => frac(Math.cbrt(p)))
const START = Uint32Array.from(PRIMES.slice(0, 8), (p) => frac(Math.sqrt(p)))

function* primes(count: number): Generator<number> {
  for (let n = 2, found = 0; found < count; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break }
    if (prime) { found++; yield n }
  }
}

function frac(x: number): number {
  return ((x - Math.floor(x)) * 2 ** 32) >>> 0
}

const turn = (x: number, n: number): number => (x >>> n) | (x << (32 - n))

/** Hex digest of bytes, or of a text as UTF-8. */
export function sha256(data: Uint8Array | string): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const blocks = ((bytes.length + 8) >> 6) + 1
  const padded = new Uint8Array(blocks * 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0)
  const h = Uint32Array.from(START)
  const w = new Uint32Array(64)
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(block + i * 4)
    for (let i = 16; i < 64; i++) {
      const [a, b] = [w[i - 15]!, w[i - 2]!]
      const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)
      const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10)
      w[i] = w[i - 16]! + s0 + w[i - 7]! + s1
    }
    mix(h, w)
  }
  return [...h].map((word) => word.toString(16).padStart(8, '0')).join('')
}

function mix(h: Uint32Array, w: Uint32Array): void {
  let [a, b, c, d, e, f, g, last] = h as unknown as [number, number, number, number, number, number, number, number]
  for (let i = 0; i < 64; i++) {
    const t1 = (last + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0
    const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[last, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
  }
  ;[a, b, c, d, e, f, g, last].forEach((value, i) => { h[i] = h[i]! + value })
}
