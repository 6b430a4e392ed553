/** A camera file becomes a JPEG of at most 1600 px on its longer side, with the time it was taken. */

import { offset, stamp, takenAt, withTime } from './exif'

export const LONGEST_PX = 1600
const QUALITY = 0.8

export async function shrink(file: File): Promise<ArrayBuffer> {
  const original = await file.arrayBuffer()
  // imageOrientation: as the camera was held; pixels are turned now, since the copy carries no orientation.
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.width * scale))
  canvas.height = Math.max(1, Math.round(picture.height * scale))
  const paper = canvas.getContext('2d')
  if (!paper) throw new Error('this browser gives no canvas')
  paper.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', QUALITY))
  if (!blob) throw new Error('the picture could not be made smaller')
  const when = Math.min(file.lastModified || Date.now(), Date.now())
  return withTime(await blob.arrayBuffer(), takenAt(original) ?? stamp(when), offset(when))
}
