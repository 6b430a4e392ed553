/** Chinese and English of the display. Only what a browser of 2017 knows: a wall tablet is seldom new. */

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
  return (typeof here === 'string' ? here : key).replace(/\{(\w+)\}/g, (_, name: string) => String(named[name]))
}

export const say = (words: Words): string => words[spoken] || words.zh || words.en

/** Hours, minutes and seconds in the site's zone. */
export function clock(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: zone }).format(ms)
}

export function day(ms: number, zone: string): string {
  return new Intl.DateTimeFormat(spoken === 'zh' ? 'zh-CN' : 'en-GB', { month: 'long', day: 'numeric', timeZone: zone }).format(ms)
}

export function speak(next: Language, keep = false): void {
  spoken = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  if (!keep) return
  try {
    localStorage.setItem(KEPT, next)
  } catch (error) {
    if (!(error instanceof DOMException)) throw error // storage may be forbidden; the page works without it
  }
}

export function startWords(): void {
  let kept: string | null = null
  try {
    kept = localStorage.getItem(KEPT)
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
  const tags = [kept].concat(navigator.languages || [navigator.language])
  const first = tags.filter((tag) => !!tag && /^(zh|en)/i.test(tag))[0]
  speak(first && /^en/i.test(first) ? 'en' : 'zh')
}
