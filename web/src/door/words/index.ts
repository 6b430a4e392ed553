/** Chinese and English of the public page, and times in the site's zone. No framework: this page is for a stranger's phone. */

import type { Language, Words } from '@/api/types'
import en from './en.json'
import zh from './zh.json'

type Tree = { [key: string]: string | Tree }
const catalogues: Record<Language, Tree> = { zh, en }
const KEPT = 'caretaker.language'

let spoken: Language = 'zh'
export const language = (): Language => spoken

/** A message of the catalogue with its named places filled. */
export function t(key: string, named: Record<string, string | number> = {}): string {
  let here: string | Tree | undefined = catalogues[spoken]
  for (const part of key.split('.')) here = typeof here === 'object' ? here[part] : undefined
  return (typeof here === 'string' ? here : key).replace(/\{(\w+)\}/g, (_, name: string) => String(named[name] ?? ''))
}

export const say = (words: Words): string => words[spoken] || words.zh || words.en

/** 11月25日 18:00, 25 Nov 18:00; today only the time. */
export function moment(ms: number, zone: string): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' })
  const near = day.format(ms) === day.format(Date.now())
  const date: Intl.DateTimeFormatOptions = near ? {} : { month: spoken === 'zh' ? 'long' : 'short', day: 'numeric' }
  return new Intl.DateTimeFormat(spoken === 'zh' ? 'zh-CN' : 'en-GB', { ...date, hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone }).format(ms)
}

export function speak(next: Language, keep = false): void {
  spoken = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  if (keep) remember(KEPT, next)
}

export function startWords(): void {
  const first = [recall(KEPT), ...navigator.languages].find((tag) => tag && /^(zh|en)/i.test(tag))
  speak(first?.toLowerCase().startsWith('en') ? 'en' : 'zh')
}

/** localStorage of a page in somebody else's app may be forbidden; the page works without it. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch (error) {
    if (error instanceof DOMException) return null
    throw error
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
}
