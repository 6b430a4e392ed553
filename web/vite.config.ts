import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig } from 'vite'
import { oldBrowsers } from './old-browsers'
import { phonePrecache } from './phone-precache'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
// Each entry is a page of its own: `console` is `/`, `m` the phone's `/m`, `s` a sticker's `/s/…`, `display` a display's
// `/display/…`; `m-sw` is the phone's service worker.
const entries = { console: at('./index.html'), m: at('./m.html'), s: at('./s.html'), display: at('./display.html'), 'm-sw': at('./src/phone/worker/m-sw.ts') }

export default defineConfig({
  plugins: [
    vue(),
    // dts: false, because a file written during the build would change the digest the launcher rebuilds by.
    Components({ resolvers: [ElementPlusResolver({ importStyle: 'css' })], dts: false, dirs: [] }),
    phonePrecache(),
    oldBrowsers('display'),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the content policy forbids data: URLs in style sheets
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: entries,
      // the worker's address must stay the same, or no phone would ever find its update
      output: { entryFileNames: (chunk) => (chunk.name === 'm-sw' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/api': { target: process.env.CARETAKER_API ?? 'http://127.0.0.1:8080' } } },
})
