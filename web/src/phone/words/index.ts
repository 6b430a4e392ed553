/** Chinese and English of the phone page. Both are in the page: no language is missing without signal. */

import { computed, ref } from 'vue'
import type { Language, Words } from '@/api/types'
import en from './en.json'
import zh from './zh.json'

type Tree = { [key: string]: string | Tree }
const catalogues: Record<Language, Tree> = { zh, en }
const KEPT = 'caretaker.language'

export const language = ref<Language>('zh')
export const locale = computed(() => (language.value === 'zh' ? 'zh-CN' : 'en'))

function find(key: string): string | undefined {
  let here: string | Tree | undefined = catalogues[language.value]
  for (const part of key.split('.')) here = typeof here === 'object' ? here[part] : undefined
  return typeof here === 'string' ? here : undefined
}

export const has = (key: string): boolean => find(key) !== undefined

/** A message of the catalogue with its named places filled; `one | many` where a language counts so. */
export function t(key: string, named: Record<string, string | number> = {}): string {
  const [one, many = one] = (find(key) ?? key).split(' | ')
  return ((named.n === 1 ? one : many) ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(named[name] ?? ''))
}

/** A title of the field in the language on screen. */
export function say(words: Words | null | undefined): string {
  return words ? words[language.value] || words.zh || words.en : ''
}

export function speak(next: Language, keep = false): void {
  language.value = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  document.title = t('app.title')
  if (keep) localStorage.setItem(KEPT, next)
}

export function startWords(): void {
  const kept = localStorage.getItem(KEPT)
  const first = [kept, ...navigator.languages].find((tag) => tag && /^(zh|en)/i.test(tag))
  speak(first?.toLowerCase().startsWith('en') ? 'en' : 'zh')
}
