/** Which machine stands in which column (building) and row (system). Pure. */

import type { Asset, Kind, Site, Space, Words } from '@/api/types'

export interface Column { id: string; title: Words }
export interface StripRow { kind: string; title: Words; cells: Asset[][]; all: Asset[] }

/** The order in which the field lists its systems; what is not named comes last. */
const KIND_ORDER = ['elevator', 'pump_set', 'lighting_circuit', 'access_gate']

/** The outermost space of a space: a building or the grounds. */
export function outermost(spaces: Map<string, Space>, id: string | null): Space | null {
  let space = id === null ? undefined : spaces.get(id)
  const seen = new Set<string>()
  while (space?.parent && !seen.has(space.id)) {
    seen.add(space.id)
    const parent = spaces.get(space.parent)
    if (!parent) break
    space = parent
  }
  return space ?? null
}

export function bySystem(kinds: Iterable<string>): string[] {
  const place = (kind: string): number => {
    const found = KIND_ORDER.findIndex((one) => kind.startsWith(one.split('_')[0] ?? one))
    return found < 0 ? KIND_ORDER.length : found
  }
  return [...new Set(kinds)].sort((a, b) => place(a) - place(b) || a.localeCompare(b))
}

export function strip(site: Site, kinds: Map<string, Kind>, assets: Asset[]): { columns: Column[]; rows: StripRow[] } {
  const spaces = new Map(site.spaces.map((space) => [space.id, space]))
  const columns: Column[] = []
  const at = new Map<string, string>()
  for (const asset of assets) {
    const place = outermost(spaces, asset.space)
    at.set(asset.id, place?.id ?? '')
  }
  const used = new Set(at.values())
  for (const space of site.spaces) if (used.has(space.id)) columns.push({ id: space.id, title: space.title })
  const rows = bySystem(assets.map((asset) => asset.kind)).map((kind) => {
    const all = assets.filter((asset) => asset.kind === kind)
    const cells = columns.map((column) => all.filter((asset) => at.get(asset.id) === column.id))
    return { kind, title: kinds.get(kind)?.title ?? { zh: kind, en: kind }, cells, all }
  })
  return { columns, rows }
}
