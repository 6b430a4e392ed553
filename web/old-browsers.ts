/** The display's script in the language of 2017: it hangs on old tablets, and everything else is built for 2022. */

import { transformWithOxc, type Plugin } from 'vite'

export function oldBrowsers(entry: string): Plugin {
  return {
    name: 'caretaker:old-browsers',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      const chunk = Object.values(bundle).find((part) => part.type === 'chunk' && part.isEntry && part.name === entry)
      if (chunk?.type !== 'chunk') throw new Error(`the build has no entry ${entry}`)
      if (chunk.imports.length || chunk.dynamicImports.length) throw new Error(`${entry} shares code with a page that is built for newer browsers`)
      chunk.code = (await transformWithOxc(chunk.code, chunk.fileName, { target: 'es2017' })).code
    },
  }
}
