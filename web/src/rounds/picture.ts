/** An SVG of the server's as the address of an image: an image runs nothing and needs no markup of ours. */
export function pictureOf(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
