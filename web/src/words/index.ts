/** Chinese and English, one catalogue each, loaded when first spoken. */

import { computed, ref } from 'vue'
import { createI18n } from 'vue-i18n'
import { speak } from '@/api/client'
import type { Language, Words } from '@/api/types'

const KEPT = 'caretaker.language'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh',
  fallbackLocale: false,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  messages: {},
})

export const language = ref<Language>('zh')
/** For Intl and for the `lang` attribute. */
export const locale = computed(() => (language.value === 'zh' ? 'zh-CN' : 'en'))

type Catalogue = { [key: string]: string | Catalogue }
const catalogues: Record<Language, () => Promise<{ default: Catalogue }>> = {
  zh: () => import('./zh.json'),
  en: () => import('./en.json'),
}

/** What the person chose last time, else what the browser asks for, else Chinese. */
export function firstLanguage(kept: string | null, wanted: readonly string[]): Language {
  if (kept === 'zh' || kept === 'en') return kept
  for (const tag of wanted) {
    if (tag.toLowerCase().startsWith('zh')) return 'zh'
    if (tag.toLowerCase().startsWith('en')) return 'en'
  }
  return 'zh'
}

/** Speak a language from now on; `keep` remembers it on this device. */
export async function useLanguage(next: Language, keep = false): Promise<void> {
  const { default: messages } = await catalogues[next]()
  i18n.global.setLocaleMessage(next, messages as never) // the library infers `never` from the empty start
  ;(i18n.global.locale as unknown as { value: Language }).value = next
  language.value = next
  speak(next)
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  if (keep) localStorage.setItem(KEPT, next)
}

export async function startWords(): Promise<void> {
  await useLanguage(firstLanguage(localStorage.getItem(KEPT), navigator.languages))
}

/** A title of the field in the language on screen. */
export function say(words: Words | null | undefined): string {
  return words ? words[language.value] || words.zh || words.en : ''
}

/** A message in both languages, for titles that are kept. */
export async function both(key: string): Promise<Words> {
  const [zh, en] = await Promise.all((['zh', 'en'] as const).map(async (one) => {
    let found: string | Catalogue | undefined = (await catalogues[one]()).default
    for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined
    return typeof found === 'string' ? found : key
  }))
  return { zh: zh ?? key, en: en ?? key }
}

/** A message of the catalogue; outside of templates too. */
export const t = i18n.global.t as unknown as (key: string, named?: Record<string, unknown>) => string

/** Is there a message under this key? */
export const has = i18n.global.te as unknown as (key: string) => boolean
