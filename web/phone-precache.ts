/** Tells the phone's service worker which files the phone page needs: everything reachable from m.html, no more.
 *
 * vite-plugin-pwa would do this with workbox-build and three hundred packages; this walks the bundle once.
 */

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const WORKER = 'm-sw.js'
const PAGE = 'm.html'
const BESIDE = ['m.webmanifest', 'm-192.png', 'm-512.png', 'caretaker.svg']

export function phonePrecache(): Plugin {
  return {
    name: 'caretaker:phone-precache',
    apply: 'build',
    enforce: 'post',
    writeBundle(options, bundle) {
      const folder = options.dir ?? 'dist'
      const wanted = new Set<string>()
      const visit = (name: string): void => {
        const part = bundle[name]
        if (!part || wanted.has(name)) return
        wanted.add(name)
        if (part.type !== 'chunk') return
        const meta = (part as { viteMetadata?: { importedCss?: Set<string>; importedAssets?: Set<string> } }).viteMetadata
        for (const next of [...part.imports, ...part.dynamicImports, ...(meta?.importedCss ?? []), ...(meta?.importedAssets ?? [])]) visit(next)
      }
      const entry = Object.values(bundle).find((part) => part.type === 'chunk' && part.isEntry && part.name === 'm')
      if (!entry) throw new Error('the build has no entry m')
      visit(entry.fileName)
      if (![...wanted].some((name) => name.endsWith('.wasm'))) throw new Error('the phone page does not carry its reader')
      const files = [...wanted, ...BESIDE].sort()
      const digest = createHash('sha256')
      for (const name of [...files, PAGE]) digest.update(name).update(readFileSync(join(folder, name)))
      const build = { name: digest.digest('hex').slice(0, 16), page: '/m', files: files.map((name) => `/${name}`) }
      const worker = join(folder, WORKER)
      const code = readFileSync(worker, 'utf8')
      if (!code.includes('__PHONE_BUILD__')) throw new Error('the worker has no place for its list')
      writeFileSync(worker, code.replaceAll('__PHONE_BUILD__', JSON.stringify(build)))
    },
  }
}
