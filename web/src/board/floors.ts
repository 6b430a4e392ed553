/** Floors of a lift as people count them: -2, -1, 1, 2 … ; there is no floor 0. Pure. */

import type { Asset } from '@/api/types'

export function floorsOf(asset: Pick<Asset, 'attributes'>): number[] {
  const served = asset.attributes.floors_served
  const floors: number[] = []
  if (Array.isArray(served) && served.length === 2) {
    for (let floor = Number(served[0]); floor <= Number(served[1]); floor += 1) if (floor !== 0) floors.push(floor)
    return floors
  }
  const lowest = Number(asset.attributes.lowest ?? 1)
  const count = Math.max(1, Number(asset.attributes.floors ?? 10))
  for (let floor = lowest; floors.length < count; floor += 1) if (floor !== 0) floors.push(floor)
  return floors
}

/** B2, B1, 1F … */
export function floorName(floor: number): string {
  return floor < 0 ? `B${-floor}` : `${floor}F`
}

/** Storeys above ground level 1, negative below: the height at which a car is drawn. Floors that do not exist are clamped. */
export function storey(floor: number, floors: readonly number[]): number {
  const at = Math.min(Math.max(floor, floors[0] ?? 1), floors.at(-1) ?? 1)
  return at > 0 ? at - 1 : at
}

export interface Period { from: number; to: number }

/** "18:00-06:30" as stretches of the day in hours, split at midnight. Anything else gives none. */
export function schedule(text: unknown): Period[] {
  const found = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(String(text ?? ''))
  if (!found) return []
  const from = Number(found[1]) + Number(found[2]) / 60
  const to = Number(found[3]) + Number(found[4]) / 60
  return from < to ? [{ from, to }] : [{ from: 0, to }, { from, to: 24 }]
}
