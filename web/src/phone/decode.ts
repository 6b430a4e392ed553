/** Reading codes in the page: zxing as WebAssembly, from our own server, kept for offline. Loaded when first needed. */

import { prepareZXingModule, readBarcodes, type ReaderOptions } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url'

prepareZXingModule({ overrides: { locateFile: (path: string, prefix: string) => (path.endsWith('.wasm') ? wasm : prefix + path) } })

const LIVE: ReaderOptions = { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 2 }
const STILL: ReaderOptions = { ...LIVE, tryInvert: true, tryDownscale: true }

export const WASM = wasm

/** Have the reader in memory before the first frame. */
export async function warm(): Promise<void> {
  await readBarcodes(new ImageData(8, 8), LIVE)
}

/** Texts of the QR codes in a frame. */
export async function readFrame(frame: ImageData): Promise<string[]> {
  return (await readBarcodes(frame, LIVE)).filter((one) => one.isValid).map((one) => one.text)
}

/** Texts of the QR codes in a photo file, tried harder. */
export async function readFile(file: Blob): Promise<string[]> {
  return (await readBarcodes(file, STILL)).filter((one) => one.isValid).map((one) => one.text)
}
