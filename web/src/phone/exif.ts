/** When a photo was taken, by its own record: read from the camera's file, written into the smaller copy.
 *
 * A canvas drops EXIF, and with it the only sign that a picture is an old one. Nothing else is carried over: no place, no
 * serial number.
 */

const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0]
const DATE = /(\d{4}):(\d{2}):(\d{2}) (\d{2}):(\d{2}):(\d{2})\0/

/** `YYYY:MM:DD HH:MM:SS` as the camera wrote it, or null. */
export function takenAt(jpeg: ArrayBuffer): string | null {
  const view = new DataView(jpeg)
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null
  for (let at = 2; at + 4 <= view.byteLength;) {
    const marker = view.getUint16(at)
    const length = view.getUint16(at + 2)
    if ((marker & 0xff00) !== 0xff00 || marker === 0xffda || length < 2) return null
    if (marker === 0xffe1) {
      const text = String.fromCharCode(...new Uint8Array(jpeg, at + 4, Math.min(length - 2, view.byteLength - at - 4, 60_000)))
      const found = text.startsWith('Exif\0\0') ? DATE.exec(text) : null
      if (found) return found[0].slice(0, 19)
    }
    at += 2 + length
  }
  return null
}

/** The phone's own wall clock in the same form. */
export function stamp(ms: number): string {
  const at = new Date(ms)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}:${two(at.getMonth() + 1)}:${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `+08:00`: the phone's zone at that moment. */
export function offset(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset()
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
}

/** The JPEG with DateTimeOriginal and OffsetTimeOriginal as its only EXIF (big-endian TIFF, Exif 2.31). */
export function withTime(jpeg: ArrayBuffer, taken: string, zone: string): ArrayBuffer {
  const date = [...`${taken}\0`].map((c) => c.charCodeAt(0))
  const where = [...`${zone}\0`].map((c) => c.charCodeAt(0))
  const two = (n: number): number[] => [n >> 8, n & 255]
  const four = (n: number): number[] => [0, 0, ...two(n)]
  const exifAt = 8 + 2 + 12 + 4
  const dateAt = exifAt + 2 + 24 + 4
  const tiff = [
    0x4d, 0x4d, 0, 42, ...four(8),
    ...two(1), ...two(0x8769), ...two(4), ...four(1), ...four(exifAt), ...four(0),
    ...two(2),
    ...two(0x9003), ...two(2), ...four(date.length), ...four(dateAt),
    ...two(0x9011), ...two(2), ...four(where.length), ...four(dateAt + date.length),
    ...four(0), ...date, ...where,
  ]
  const segment = [0xff, 0xe1, ...two(2 + EXIF.length + tiff.length), ...EXIF, ...tiff]
  const out = new Uint8Array(jpeg.byteLength + segment.length)
  out.set([0xff, 0xd8, ...segment])
  out.set(new Uint8Array(jpeg, 2), 2 + segment.length)
  return out.buffer
}
