/** The phone's own key: made here, never leaves. Signs what the phone writes down; scans form a chain of hashes. */

import { sha256 } from './sha256'
import type { Answer, ScanBody, Seal } from './types'

/** With every member named and in this order, so that both sides hash the same text. */
export function answersText(answers: readonly Answer[]): string {
  return JSON.stringify(answers.map(({ check, result, value, reason, photos }) => ({ check, result, value, reason, photos })))
}

/** The text a scan is signed by, and whose hash the next scan names. */
export function canonical(scan: ScanBody, counter: number, previous: string): string {
  const parts = [
    scan.id, scan.round, scan.checkpoint, scan.token, scan.token_type, scan.device_ms, scan.monotonic_ms, scan.boot,
    counter, previous, sha256(answersText(scan.answers)), scan.photos,
  ]
  return `ct1\n${JSON.stringify(parts)}`
}

/** Does this page have keys at all? Not on plain http. */
export const canSign = (): boolean => typeof crypto !== 'undefined' && crypto.subtle !== undefined

/** A key pair whose private half cannot be read out. */
export async function makeKey(): Promise<CryptoKeyPair | null> {
  if (!canSign()) return null
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
}

export async function publicJwk(key: CryptoKeyPair): Promise<Record<string, unknown>> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key.publicKey)
  return { kty, crv, x, y }
}

/** base64url of r ‖ s (64 bytes, IEEE P1363); empty without a key: the server marks the scan as unsigned. */
export async function sign(key: CryptoKeyPair | null, text: string): Promise<string> {
  if (!key || !canSign()) return ''
  const bytes = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** What goes over the wire. */
export function wire(scan: ScanBody, seal: Seal): Record<string, unknown> {
  const { id, round, checkpoint, token, token_type, device_ms, monotonic_ms, boot, position, anchor, photos } = scan
  const answers = scan.answers.map(({ check, result, value, reason, photos: shots }) => ({ check, result, value, reason, photos: shots }))
  return { id, round, checkpoint, token, token_type, device_ms, monotonic_ms, boot, ...seal, position, anchor, answers, photos }
}
