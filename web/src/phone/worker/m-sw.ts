/** Keeps the phone page usable without signal. Only `/m` and the files it needs; the API is never touched.
 *
 * A new build waits until the person takes the update (message `update`) or every tab of the old one is closed.
 */

interface Lifetime extends Event { waitUntil(work: Promise<unknown>): void }
interface Fetching extends Lifetime { request: Request; respondWith(answer: Promise<Response>): void }
interface Worker {
  addEventListener(type: 'install' | 'activate', listener: (event: Lifetime) => void): void
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
  location: Location
}
/** Put in by web/phone-precache.ts: this build's name and the files of the phone page. */
declare const __PHONE_BUILD__: { name: string; page: string; files: string[] }

const worker = self as unknown as Worker
const build = __PHONE_BUILD__
const PREFIX = 'caretaker-m-'
const CACHE = PREFIX + build.name
const files = new Set(build.files)

async function install(): Promise<void> {
  const cache = await caches.open(CACHE)
  await Promise.all(
    build.files.map(async (file) => {
      const old = file.startsWith('/assets/') ? await caches.match(file) : undefined // hashed: the same name is the same file
      if (old) return cache.put(file, old)
      return cache.add(new Request(file, { cache: 'no-cache' }))
    }),
  )
  await cache.add(new Request(build.page, { cache: 'no-cache' }))
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name)
  await worker.clients.claim()
}

async function kept(request: Request, name: string): Promise<Response> {
  return (await (await caches.open(CACHE)).match(name)) ?? fetch(request)
}

worker.addEventListener('install', (event) => event.waitUntil(install()))
worker.addEventListener('activate', (event) => event.waitUntil(activate()))
worker.addEventListener('message', (event) => { if (event.data === 'update') void worker.skipWaiting() })
worker.addEventListener('fetch', (event) => {
  const { method, url, mode } = event.request
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== worker.location.origin) return
  if (mode === 'navigate' && (pathname === build.page || pathname.startsWith(`${build.page}/`))) event.respondWith(kept(event.request, build.page))
  else if (files.has(pathname)) event.respondWith(kept(event.request, pathname))
})
