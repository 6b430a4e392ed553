/** From the API's columns to what uPlot draws. Pure. */

import type { LimitMark, Priority, Series, ValueType, Words } from '@/api/types'

/** One line of the stack: what it is and what it said. */
export interface Trend {
  key: string
  title: Words
  unit: string
  type: ValueType
  decimals: number
  codes: Record<string, Words>
  limits: LimitMark[]
  series: Series | null
}

/** A moment worth a vertical line. `until`: the stretch from here is tinted. */
export interface Mark { atMs: number; label: string; priority: Priority | null; untilMs?: number | null }

/** x in seconds, then mean, min, max; null where there is a hole. */
export type Drawn = [number[], (number | null)[], (number | null)[], (number | null)[]]

/** Raw readings farther apart than this many usual distances are a hole, drawn as one. */
const HOLE = 6

function usualDistance(times: readonly number[]): number {
  const steps = times.slice(1).map((time, i) => time - (times[i] ?? time)).sort((a, b) => a - b)
  return steps[Math.floor(steps.length / 2)] ?? 0
}

/** Columns with the holes made visible; bad readings are holes too. */
export function drawn(series: Series | null): Drawn {
  const out: Drawn = [[], [], [], []]
  if (!series) return out
  const { raw, buckets } = series
  const times = buckets?.t ?? raw?.t ?? []
  const far = series.every_ms ? series.every_ms * 2.5 : usualDistance(times) * HOLE
  let previous: number | null = null
  times.forEach((time, i) => {
    if (previous !== null && far > 0 && time - previous > far) push(out, (previous + time) / 2, null, null, null)
    previous = time
    if (buckets) push(out, time, buckets.mean[i] ?? null, buckets.min[i] ?? null, buckets.max[i] ?? null)
    else {
      const value = raw?.q[i] === 2 ? null : (raw?.v[i] ?? null)
      push(out, time, value, value, value)
    }
  })
  return out
}

function push(out: Drawn, timeMs: number, mean: number | null, min: number | null, max: number | null): void {
  out[0].push(timeMs / 1000)
  out[1].push(mean)
  out[2].push(min)
  out[3].push(max)
}

/** How coarse to ask, ms, so that a span fits about a thousand points; null asks for raw. */
export function everyFor(spanMs: number): number | null {
  const steps = [5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000]
  if (spanMs <= 1_800_000) return null
  return steps.find((step) => spanMs / step <= 1000) ?? 3_600_000
}

/** Lowest, mean and highest of what is drawn, for those who cannot see the line. */
export function summary(data: Drawn): { min: number; max: number; mean: number } | null {
  const means = data[1].filter((value): value is number => value !== null)
  if (means.length === 0) return null
  const mins = data[2].filter((value): value is number => value !== null)
  const maxs = data[3].filter((value): value is number => value !== null)
  return {
    min: mins.reduce((a, b) => Math.min(a, b)),
    max: maxs.reduce((a, b) => Math.max(a, b)),
    mean: means.reduce((a, b) => a + b, 0) / means.length,
  }
}
