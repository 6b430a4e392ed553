/** Sorting a table by the head of a column, first the way that column is mostly read, then the other way. */

import { ref } from 'vue'

export interface Column<T> {
  key: string
  /** What is compared; null comes last either way. */
  value: (row: T) => number | string | null
  /** Largest first at the first click. */
  down?: boolean
}

export function useSort<T>(columns: readonly Column<T>[], first: string) {
  const start = columns.find((column) => column.key === first)!
  const by = ref(start.key)
  const down = ref(start.down ?? false)

  function sortBy(key: string): void {
    const column = columns.find((one) => one.key === key)!
    down.value = by.value === key ? !down.value : (column.down ?? false)
    by.value = key
  }

  function sorted(rows: readonly T[]): T[] {
    const { value } = columns.find((one) => one.key === by.value)!
    const sign = down.value ? -1 : 1
    return [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)]
      if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1
      return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)))
    })
  }

  function ariaOf(key: string): 'ascending' | 'descending' | 'none' {
    return by.value !== key ? 'none' : down.value ? 'descending' : 'ascending'
  }

  return { by, down, sortBy, sorted, ariaOf }
}
