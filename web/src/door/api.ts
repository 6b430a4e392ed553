/** What the public door says and takes. */

import { Problem } from '@/api/problem'
import type { Report, Sticker } from '@/api/types'
import { language } from './words'

export interface ReportBody { key: string; fault: string; description: string; photo: string | null; name: string; phone: string }

const PATIENCE_MS = 60_000

/** What the sticker's address says after /s/. */
export const token = decodeURIComponent(location.pathname.replace(/^\/s\//, ''))

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const give = new AbortController()
  const timer = setTimeout(() => give.abort(), PATIENCE_MS)
  const headers = { Accept: 'application/json', 'Accept-Language': language() === 'zh' ? 'zh-CN' : 'en', ...init.headers }
  try {
    const response = await fetch(`/api/v1/stickers/${encodeURIComponent(token)}${path}`, {
      ...init, headers, cache: 'no-store', credentials: 'omit', signal: give.signal,
    })
    if (!response.ok) throw await Problem.from(response)
    return (await response.json()) as T
  } catch (error) {
    // TypeError: no network; AbortError: too slow; SyntaxError: cut off in the middle of an answer.
    if (error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError) throw Problem.unreachable(String(error))
    throw error
  } finally {
    clearTimeout(timer)
  }
}

export const sticker = (): Promise<Sticker> => call('')
export const report = (key: string): Promise<Report> => call(`/work-requests/${key}`)
export const send = (body: ReportBody): Promise<Report> =>
  call('/work-requests', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
export const sendPhoto = (key: string, photo: { sha256: string; bytes: ArrayBuffer }): Promise<Report> =>
  call(`/work-requests/${key}/photo/${photo.sha256}`, { method: 'PUT', headers: { 'Content-Type': 'image/jpeg' }, body: photo.bytes })
