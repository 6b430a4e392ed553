/** One way to the server: language, clock, problems, idempotency keys. Cookies carry the session. */

import { clock } from '@/live/clock'
import { Problem } from './problem'
import type { Language } from './types'

export const ROOT = '/api/v1'

let language: Language = 'zh'
let whenSignedOut: () => void = () => undefined

/** Problems come back in this language. */
export function speak(to: Language): void {
  language = to
}

/** Called when the server no longer knows our session. */
export function onSignedOut(call: () => void): void {
  whenSignedOut = call
}

export function acceptLanguage(): string {
  return language === 'zh' ? 'zh-CN, zh;q=0.9, en;q=0.5' : 'en, zh;q=0.5'
}

/** A key that makes a repeated POST harmless. randomUUID is missing on plain http, getRandomValues is not. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': acceptLanguage() }
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json'
    headers['Idempotency-Key'] = idempotencyKey()
  }
  const sent = performance.now()
  let response: Response
  try {
    response = await fetch(ROOT + path, {
      method,
      headers,
      signal,
      body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
      credentials: 'same-origin',
      cache: 'no-store',
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw Problem.unreachable(error instanceof Error ? error.message : String(error))
  }
  const now = Number(response.headers.get('X-Caretaker-Now'))
  if (now > 0) clock.learn(now + (performance.now() - sent) / 2)
  if (!response.ok) {
    if (response.status === 401 && !path.startsWith('/session')) whenSignedOut()
    throw await Problem.from(response)
  }
  return response
}

/** Query values that are empty are left out, a list repeats its key. */
export type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>

export function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) params.append(key, String(one))
  }
  const text = params.toString()
  return text ? `${path}?${text}` : path
}

/** GET; throws Problem. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await (await send('GET', withQuery(path, query), undefined, signal)).json()) as T
}

/** POST, PATCH or DELETE; throws Problem. An empty answer gives undefined. */
export async function act<T>(path: string, body: unknown = {}, method: 'POST' | 'PATCH' | 'DELETE' = 'POST'): Promise<T> {
  const text = await (await send(method, path, body)).text()
  return (text ? JSON.parse(text) : undefined) as T
}
