/** What a cell of the heat map says and how strongly it is shown. */

import type { CoverageRow } from '@/api/types'

export type HeatMode = 'plan' | 'scan'
export const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

export interface HeatCell { text: string; tone: string; planned: number; made: number; missed: number; due: number; seen: number }

/** `top`: the largest count of scans in any cell, the strongest shade of the scans' view. */
export function cellOf(row: CoverageRow, hour: number, mode: HeatMode, top: number): HeatCell {
  const [planned, made, missed, seen] = [row.planned[hour] ?? 0, row.made[hour] ?? 0, row.missed[hour] ?? 0, row.seen[hour] ?? 0]
  const counts = { planned, made, missed, due: planned - made - missed, seen }
  if (mode === 'scan') return { ...counts, text: seen ? String(seen) : '', tone: seen ? `s${Math.ceil((4 * seen) / Math.max(top, 1))}` : '' }
  // what is still due is neither made nor missed: it is told in words only
  const over = made + missed
  if (!over) return { ...counts, text: planned ? '…' : '', tone: '' }
  return { ...counts, text: missed ? `${made}/${over}` : String(made), tone: toneOf(missed, over) }
}

/** Colour for what is not normal only: all made has none. */
export function toneOf(missed: number, over: number): string {
  if (!missed) return 'full'
  const share = missed / over
  return share < 0.1 ? 'few' : share < 0.5 ? 'some' : 'many'
}
