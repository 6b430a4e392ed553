/** Calls to the server. Everything that goes wrong becomes a Problem; status 0 means it was not reached. */

import { Problem } from '@/api/problem'
import { keepAnchor } from './boot'
import { language } from './words'

const BASE = '/api/v1'
const TIMEOUT_MS = 20_000
const PHOTO_TIMEOUT_MS = 90_000

export interface Call { method?: string; json?: unknown; bytes?: ArrayBuffer; key?: string }

export async function call<T>(path: string, { method = 'GET', json, bytes, key }: Call = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language.value === 'zh' ? 'zh-CN' : 'en' }
  if (json !== undefined) headers['Content-Type'] = 'application/json'
  if (bytes) headers['Content-Type'] = 'image/jpeg'
  if (key) headers['Idempotency-Key'] = key
  const give = new AbortController()
  const timer = setTimeout(() => give.abort(), bytes ? PHOTO_TIMEOUT_MS : TIMEOUT_MS)
  try {
    const body = bytes ?? (json === undefined ? undefined : JSON.stringify(json))
    const response = await fetch(BASE + path, { method, headers, body, cache: 'no-store', credentials: 'same-origin', signal: give.signal })
    if (!response.ok) throw await Problem.from(response)
    const read = (response.status === 204 ? undefined : await response.json()) as T // all of it, before it counts as arrived
    keepAnchor(response.headers.get('X-Caretaker-Anchor'))
    return read
  } catch (error) {
    if (error instanceof Problem) throw error
    // TypeError: no network; AbortError: too slow; SyntaxError: cut off in the middle of an answer.
    if (error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError) throw Problem.unreachable(String(error))
    throw error
  } finally {
    clearTimeout(timer)
  }
}
