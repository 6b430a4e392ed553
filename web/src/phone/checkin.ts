/** From a code to a scan that is on disk. */

import { position } from './position'
import { done } from './progress'
import { attempt, me, notice, scans, today } from './state'
import { begin } from './store/scans'
import { byShortCode, byTag, readToken, tagId } from './token'
import type { TokenType } from './types'
import { placeOf, round, walk } from './walk'
import { say, t } from './words'

export interface Confirmed { scan: string; checkpoint: string; title: string; at_ms: number; took_ms: number; since_ms: number | null; manual: boolean; onRound: boolean }

/** A text read from a code. Null: not ours, or this stop is done already (said in `notice`, and scanning goes on). */
export async function checkIn(text: string, started: number): Promise<Confirmed | null> {
  const token = readToken(text)
  if (!token) {
    notice.value = t('scan.foreign')
    return null
  }
  if (walked(token.checkpoint)) {
    notice.value = t('scan.again', { title: say(placeOf(token.checkpoint)?.title) || token.checkpoint })
    return null
  }
  return write(token.checkpoint, token.text, token.type, started)
}

/** Six digits typed by hand. */
export async function checkInByHand(digits: string, started: number): Promise<Confirmed | null> {
  const place = byShortCode(digits, today.value?.checkpoints ?? {})
  if (!place) {
    notice.value = t('scan.unknown')
    return null
  }
  if (walked(place.id)) {
    notice.value = t('scan.again', { title: say(place.title) })
    return null
  }
  return write(place.id, digits, 'manual', started)
}

/** The serial number of an NFC tag held to the phone. */
export async function checkInByTag(serial: string, started: number): Promise<Confirmed | null> {
  const id = tagId(serial)
  const place = id ? byTag(id, today.value?.checkpoints ?? {}) : null
  if (!id || !place) {
    notice.value = t(id ? 'tag.unknown' : 'tag.nameless')
    return null
  }
  if (walked(place.id)) {
    notice.value = t('scan.again', { title: say(place.title) })
    return null
  }
  return write(place.id, id, 'nfc', started)
}

/** All of this round's visits to the place are done. */
function walked(checkpoint: string): boolean {
  const here = walk.value.filter((stop) => stop.visit.checkpoint === checkpoint)
  return here.length > 0 && here.every(done)
}

async function write(checkpoint: string, token: string, token_type: TokenType, started: number): Promise<Confirmed | null> {
  const onRound = walk.value.some((stop) => stop.visit.checkpoint === checkpoint)
  const before = scans.value.findLast((row) => row.scan.round === round.value?.id)
  let confirmed: Confirmed | null = null
  await attempt(async () => {
    const row = await begin({ round: onRound ? (round.value?.id ?? null) : null, checkpoint, token, token_type, position: position() }, me()?.id ?? '')
    confirmed = {
      scan: row.id, checkpoint, title: say(placeOf(checkpoint)?.title) || checkpoint, at_ms: row.made_ms, took_ms: performance.now() - started,
      since_ms: before && onRound ? row.made_ms - before.made_ms : null, manual: token_type === 'manual', onRound,
    }
  })
  return confirmed
}
