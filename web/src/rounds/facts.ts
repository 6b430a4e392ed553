/** What was seen about a doubt, in words: seconds, metres, times and names, each with its label. */

import type { Doubt } from '@/api/types'
import { has, t } from '@/words'
import { clockTime, span } from '@/words/time'

/** How the page calls what facts name by id. */
export interface Names {
  place: (id: string) => string
  person: (id: string) => string
  check: (id: string) => string
}

/** Facts without a word of ours stay in the record and off the page. */
export function factsText(doubt: Doubt, names: Names): string {
  return Object.entries(doubt.facts)
    .filter(([key, value]) => value !== null && value !== undefined && has(`rounds.fact.${key}`))
    .map(([key, value]) => `${t(`rounds.fact.${key}`)} ${valueText(key, value, names)}`)
    .join(' · ')
}

function valueText(key: string, value: unknown, names: Names): string {
  if (Array.isArray(value)) return value.map((one) => (key === 'missing' || key === 'checks' ? names.check(String(one)) : String(one))).join(t('rounds.listSeparator'))
  if (typeof value === 'number') {
    if (key.endsWith('_s')) return span(Math.abs(value) * 1000)
    if (key.endsWith('_ms')) return clockTime(value, false)
    if (key.endsWith('_m')) return t('rounds.metres', { n: Math.round(value) })
    return String(value)
  }
  const text = String(value)
  if (key === 'from') return names.place(text)
  if (key === 'person') return names.person(text)
  if (key === 'why' && has(`rounds.because.${text}`)) return t(`rounds.because.${text}`)
  return text
}
