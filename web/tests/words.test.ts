import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Tree = { [key: string]: string | Tree }
const SRC = join(import.meta.dirname, '..', 'src')

function flat(tree: Tree, path = ''): Map<string, string> {
  const out = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    const here = path ? `${path}.${key}` : key
    if (typeof value === 'string') out.set(here, value)
    else for (const [inner, text] of flat(value, here)) out.set(inner, text)
  }
  return out
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : /\.(vue|ts)$/.test(name) && !name.endsWith('.d.ts') ? [path] : []
  })
}

interface PageWords { name: string; chinese: Map<string, string>; english: Map<string, string>; sources: { path: string; text: string }[]; same: string[] }

/** The phone, the sticker's page and the display have catalogues of their own; everything else belongs to the console. */
const APART = ['phone', 'door', 'display']
function pageOf(name: string, folder: string, same: string[]): PageWords {
  const read = (language: string): Map<string, string> => flat(JSON.parse(readFileSync(join(SRC, folder, 'words', `${language}.json`), 'utf8')) as Tree)
  const sources = files(SRC)
    .map((path) => ({ path: path.slice(SRC.length + 1), text: readFileSync(path, 'utf8') }))
    .filter(({ path }) => (APART.find((apart) => path.startsWith(`${apart}/`)) ?? '.') === folder)
  return { name, chinese: read('zh'), english: read('en'), sources, same }
}

/** `same`: keys that rightly break the rule: a protocol's name, the switch that offers the other language in its own word. */
const PAGES = [
  pageOf('console', '.', ['device.modbus']),
  pageOf('door', 'door', ['app.other']),
  pageOf('display', 'display', ['app.other']),
  ...(existsSync(join(SRC, 'phone', 'words', 'zh.json')) ? [pageOf('phone', 'phone', ['app.other'])] : []),
]
const named = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort()
/** "one | many": each form stands alone. */
const forms = (text: string): string[] => text.split(' | ')

describe.each(PAGES)('the two catalogues of the $name page', ({ chinese, english, same: alike }) => {
  it('have the same keys and the same named places', () => {
    expect([...english.keys()]).toEqual([...chinese.keys()])
    for (const [key, text] of chinese) {
      for (const form of forms(english.get(key) ?? '')) expect(named(form), key).toEqual(named(text))
    }
  })

  it('leave no English in Chinese and no Chinese in English', () => {
    for (const [key, text] of english) if (!alike.includes(key)) expect(/[一-鿿]/.test(text), key).toBe(false)
    const foreign = /^[\x20-\x7e]+$/
    const same = [...chinese].filter(([key, text]) => foreign.test(text.replace(/\{\w+\}/g, '')) && text === english.get(key) && /[a-z]{4}/.test(text.replace(/\{\w+\}/g, '')))
    expect(same.map(([key]) => key).filter((key) => !alike.includes(key))).toEqual([])
  })
})

describe.each(PAGES)('the sources of the $name page', ({ chinese, sources }) => {
  it('use only keys that exist', () => {
    for (const { path, text } of sources) {
      for (const match of text.matchAll(/\bt\(\s*'([^']+)'/g)) expect(chinese.has(match[1] ?? ''), `${path}: ${match[1]}`).toBe(true)
      for (const match of text.matchAll(/\bt\(\s*`([^`$]+)\.\$\{/g)) {
        const prefix = `${match[1]}.`
        expect([...chinese.keys()].some((key) => key.startsWith(prefix)), `${path}: ${prefix}*`).toBe(true)
      }
    }
  })

  it('say nothing on screen that is not in a catalogue', () => {
    const guilty: string[] = []
    for (const { path, text } of sources) {
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/<style[\s\S]*?<\/style>/g, '')
      for (const line of code.split('\n')) {
        if (line.includes('i18n-ok')) continue
        if (/[一-鿿]/.test(line.replace(/\/\/.*$/, ''))) guilty.push(`${path}: ${line.trim()}`)
      }
      const template = /<template>([\s\S]*)<\/template>/.exec(code)?.[1] ?? ''
      const bare = template.replace(/<(code|svg|defs)\b[\s\S]*?<\/\1>/g, '').replace(/<!--[\s\S]*?-->/g, '').replace(/\{\{[\s\S]*?\}\}/g, '').replace(/"[^"]*"/g, '""').replace(/<[^>]*>/g, '\n')
      for (const word of bare.split('\n')) if (/[A-Za-z]{2,}/.test(word) && !/^\s*(Caretaker)\s*$/.test(word)) guilty.push(`${path}: ${word.trim()}`)
      for (const match of template.matchAll(/\s(?:title|aria-label|placeholder|alt)="([^"]+)"/g)) guilty.push(`${path}: ${match[1]}`)
    }
    expect(guilty).toEqual([])
  })
})
