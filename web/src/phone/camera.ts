/** The back camera, its torch, and a frame at a time for the reader. */

export type Refusal = 'insecure' | 'refused' | 'missing' | 'busy'
export class CameraError extends Error {
  constructor(readonly why: Refusal) { super(why) }
}

/** Frames are read at this width: enough for 2 px per module at arm's length, quick on an old phone. */
const READ_PX = 720

export interface Camera { torch: boolean; light(on: boolean): Promise<void>; stop(): void; frame(): ImageData | null }

export async function open(video: HTMLVideoElement): Promise<Camera> {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError('insecure')
  let stream: MediaStream
  try {
    const want = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } }
    stream = await navigator.mediaDevices.getUserMedia({ video: want, audio: false })
  } catch (error) {
    const name = error instanceof DOMException ? error.name : ''
    throw new CameraError(name === 'NotAllowedError' || name === 'SecurityError' ? 'refused' : name === 'NotReadableError' ? 'busy' : 'missing')
  }
  video.srcObject = stream
  await video.play()
  const track = stream.getVideoTracks()[0]
  const canvas = document.createElement('canvas')
  const paper = canvas.getContext('2d', { willReadFrequently: true })
  const able = (track?.getCapabilities?.() ?? {}) as { torch?: boolean }
  return {
    torch: able.torch === true,
    // `torch` is not in the DOM's types; it is in W3C mediacapture-image.
    light: async (on) => track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] }),
    stop: () => stream.getTracks().forEach((one) => one.stop()),
    frame: () => {
      if (!paper || video.videoWidth === 0) return null
      const scale = Math.min(1, READ_PX / video.videoWidth)
      canvas.width = Math.round(video.videoWidth * scale)
      canvas.height = Math.round(video.videoHeight * scale)
      paper.drawImage(video, 0, 0, canvas.width, canvas.height)
      return paper.getImageData(0, 0, canvas.width, canvas.height)
    },
  }
}
