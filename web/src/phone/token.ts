/** What a code says. The phone never opens a scanned address and believes nothing: the server holds the key. */

import { sha256 } from './sha256'
import type { Checkpoint, TokenType } from './types'

export const LONGEST = 200
const TOKEN = /^ct1\.([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(0|[1-9][0-9]{0,11})\.([A-Za-z0-9_-]{22})$/
const ADDRESS = /^https?:\/\/[^\s/?#]{1,120}\/s\/(ct1\.[A-Za-z0-9_.-]{1,140})$/

export interface Token { text: string; checkpoint: string; type: TokenType }

/** The token of a sticker's text: bare, or in an address of any host; null for everything else. */
export function readToken(text: string): Token | null {
  if (text.length > LONGEST) return null
  const bare = text.trim()
  const token = ADDRESS.exec(bare)?.[1] ?? bare
  const found = TOKEN.exec(token)
  if (!found?.[1]) return null
  return { text: token, checkpoint: found[1], type: found[2] === '0' ? 'printed' : 'rotating' }
}

/** A tag's serial number as the server writes it: Web NFC says 04:A2:2B:…, others 04-a2…; null when there is none. */
export function tagId(serial: string): string | null {
  const id = serial.replace(/[\s:-]/g, '').toLowerCase()
  return /^[0-9a-f]{8,40}$/.test(id) ? id : null
}

/** The place where a tag is fixed; only the hash of its id is on the phone. */
export function byTag(id: string, checkpoints: Record<string, Checkpoint>): Checkpoint | null {
  const hash = sha256(id)
  return Object.values(checkpoints).find((one) => one.nfc_sha256 === hash) ?? null
}

/** The six digits under a code; only their hash is on the phone. */
export function byShortCode(code: string, checkpoints: Record<string, Checkpoint>): Checkpoint | null {
  const digits = code.replace(/\s/g, '')
  if (!/^[0-9]{6}$/.test(digits)) return null
  const hash = sha256(digits)
  return Object.values(checkpoints).find((one) => one.short_code_sha256 === hash) ?? null
}
