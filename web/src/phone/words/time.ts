/** Times in the site's zone, 24 hours; lengths of time in words. */

import { ref } from 'vue'
import { t } from './index'

export const zone = ref('Asia/Shanghai')

/** 18:42:16, or 18:42 */
export function clock(ms: number, seconds = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone.value }
  return new Intl.DateTimeFormat('zh-CN', seconds ? { ...options, second: '2-digit' } : options).format(ms)
}

/** 47:44, 1:02:10 */
export function countdown(ms: number): string {
  const all = Math.max(0, Math.floor(Math.abs(ms) / 1000))
  const two = (n: number): string => String(n).padStart(2, '0')
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
  return `${ms < 0 ? '−' : ''}${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}`
}

/** 12 s, 4 min, 3 h, 2 days */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 90) return t('time.seconds', { n: Math.round(seconds) })
  if (seconds < 5400) return t('time.minutes', { n: Math.round(seconds / 60) })
  if (seconds < 129_600) return t('time.hours', { n: Math.round(seconds / 3600) })
  return t('time.days', { n: Math.round(seconds / 86_400) })
}
