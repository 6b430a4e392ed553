/** The stretches of days that reports are usually about, as local days of the site. */

export const RANGES = ['today', 'thisWeek', 'lastWeek', 'thisMonth', 'lastMonth'] as const
export type Range = (typeof RANGES)[number]
export interface Days { from: string; to: string }

function iso(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function plus(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + days)
  return iso(date)
}

/** First and last day; weeks begin on Monday. `today`: yyyy-mm-dd. */
export function daysOf(range: Range, today: string): Days {
  const date = new Date(`${today}T00:00:00Z`)
  const monday = plus(today, -((date.getUTCDay() + 6) % 7))
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  switch (range) {
    case 'today':
      return { from: today, to: today }
    case 'thisWeek':
      return { from: monday, to: plus(monday, 6) }
    case 'lastWeek':
      return { from: plus(monday, -7), to: plus(monday, -1) }
    case 'thisMonth':
      return { from: iso(new Date(Date.UTC(year, month, 1))), to: iso(new Date(Date.UTC(year, month + 1, 0))) }
    case 'lastMonth':
      return { from: iso(new Date(Date.UTC(year, month - 1, 1))), to: iso(new Date(Date.UTC(year, month, 0))) }
  }
}

/** 1.1 MB, 204 kB */
export function sizeText(bytes: number): string {
  return bytes >= 1_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1000))} kB`
}
