/** Light, dark, or as the system says. */

import { ref } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
const KEPT = 'caretaker.theme'
const ORDER: readonly Theme[] = ['system', 'light', 'dark']

export const theme = ref<Theme>('system')
/** What is on screen; charts redraw when it changes. */
export const dark = ref(false)

const system = window.matchMedia('(prefers-color-scheme: dark)')

function apply(): void {
  dark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches)
  document.documentElement.classList.toggle('dark', dark.value)
}

export function startTheme(): void {
  const kept = localStorage.getItem(KEPT)
  theme.value = ORDER.find((one) => one === kept) ?? 'system'
  system.addEventListener('change', apply)
  apply()
}

export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? 'system'
  localStorage.setItem(KEPT, theme.value)
  apply()
}
