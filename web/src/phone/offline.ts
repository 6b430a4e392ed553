/** The service worker, its updates, and how much room the phone has. */

import { ref } from 'vue'

const PLENTY = 0.85

/** A newer page is ready; taken when the person says so, never in the middle of a round. */
export const update = ref<ServiceWorker | null>(null)
/** The phone is nearly full. */
export const cramped = ref(false)

/** https, but by a certificate this phone does not trust: the browser gives no offline use then. */
export const distrusted = ref(false)

export function startServiceWorker(): void {
  void room()
  if (!('serviceWorker' in navigator)) return
  const had = navigator.serviceWorker.controller !== null
  navigator.serviceWorker.addEventListener('controllerchange', () => { if (had && update.value) location.reload() })
  void navigator.serviceWorker.register('/m-sw.js', { scope: '/m', updateViaCache: 'none' }).then((registration) => {
    const look = (): void => { if (registration.waiting && navigator.serviceWorker.controller) update.value = registration.waiting }
    look()
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', look))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && navigator.onLine) void registration.update().catch(() => {}) // no network: next time
    })
  }, (error: unknown) => {
    if (!(error instanceof DOMException && error.name === 'SecurityError')) throw error
    distrusted.value = true
  })
}

export function takeUpdate(): void {
  update.value?.postMessage('update')
}

/** Free bytes by the browser's own estimate, null where it says nothing. */
export async function room(): Promise<number | null> {
  const told = await navigator.storage?.estimate?.()
  if (!told?.quota) return null
  cramped.value = (told.usage ?? 0) / told.quota > PLENTY
  return told.quota - (told.usage ?? 0)
}
