/** Light, dark, or as the system says. */

import { ref } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
const KEPT = 'caretaker.theme'
const ORDER: readonly Theme[] = ['system', 'light', 'dark']

export const theme = ref<Theme>('system')
/** What is on screen; charts redraw when it changes. */
export const dark = ref(false)

const system = window.matchMedia('(prefers-color-scheme: dark)')

/** Paper is white: what is light on dark on screen would be light on white there. */
let printing = false

function apply(): void {
  dark.value = !printing && (theme.value === 'dark' || (theme.value === 'system' && system.matches))
  document.documentElement.classList.toggle('dark', dark.value)
}

function paper(now: boolean): void {
  printing = now
  apply()
}

export function startTheme(): void {
  const kept = localStorage.getItem(KEPT)
  theme.value = ORDER.find((one) => one === kept) ?? 'system'
  system.addEventListener('change', apply)
  window.addEventListener('beforeprint', () => paper(true))
  window.addEventListener('afterprint', () => paper(false))
  apply()
}

export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? 'system'
  localStorage.setItem(KEPT, theme.value)
  apply()
}
