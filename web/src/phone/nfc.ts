/** NFC tags, where the browser reads them: Chrome on Android, over https (W3C Web NFC; not in the DOM's types). */

interface TagEvent extends Event { serialNumber: string }
interface TagReader extends EventTarget { scan(options: { signal: AbortSignal }): Promise<void> }
type Maker = new () => TagReader

export type TagRefusal = 'refused' | 'off' | 'missing'
export class TagError extends Error {
  readonly why: TagRefusal
  constructor(why: TagRefusal) {
    super(why)
    this.why = why
  }
}

const maker = (): Maker | undefined => (globalThis as { NDEFReader?: Maker }).NDEFReader
export const tagsHere = (): boolean => maker() !== undefined

/** Was permission given before? Then no tap is needed. */
export async function allowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: 'nfc' as PermissionName })).state === 'granted'
  } catch (error) {
    if (error instanceof TypeError) return false // a browser that knows no such permission
    throw error
  }
}

/** Hear tags until `signal`. `heard` gets the serial number as the phone says it. Throws TagError. */
export async function listen(heard: (serial: string) => void, unread: () => void, signal: AbortSignal): Promise<void> {
  const Reader = maker()
  if (!Reader) throw new TagError('missing')
  const reader = new Reader()
  reader.addEventListener('reading', (event) => heard((event as TagEvent).serialNumber), { signal })
  reader.addEventListener('readingerror', unread, { signal })
  try {
    await reader.scan({ signal })
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    if (error.name === 'AbortError') return
    throw new TagError(error.name === 'NotAllowedError' ? 'refused' : error.name === 'NotReadableError' ? 'off' : 'missing')
  }
}
