/** Pillow's bilinear resizing with antialiasing, to the byte; see apps/captioning/photos.py. */
const BITS = 22;

interface Span {
  from: number;
  weights: Int32Array;
}

/** The pixels that each new one is made of, with weights as fixed-point numbers. */
function spans(before: number, after: number): Span[] {
  const scale = before / after;
  const support = Math.max(scale, 1);
  return Array.from({length: after}, (_, k) => {
    const center = (k + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(before, Math.trunc(center + support + 0.5));
    const shares = Array.from({length: to - from}, (_, place) =>
      Math.max(0, 1 - Math.abs((from + place - center + 0.5) / support)));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const weights = Int32Array.from(shares, (share) => {
      const exact = (share / total) * 2 ** BITS;
      return Math.trunc(exact < 0 ? exact - 0.5 : exact + 0.5);
    });
    return {from, weights};
  });
}

/**
 * Resizes pixels to a square.
 *
 * @param pixels Rows of pixels, RGB or RGBA; alpha is left out.
 * @returns RGB, `size * size * 3`.
 */
export function resize(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  size: number,
): Uint8Array {
  const channels = pixels.length / (width * height);
  const narrow = new Uint8ClampedArray(height * size * 3);
  spans(width, size).forEach(({from, weights}, x) => {
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < 3; c++) {
        let sum = 1 << (BITS - 1);
        for (let k = 0; k < weights.length; k++) {
          sum += pixels[(y * width + from + k) * channels + c] * weights[k];
        }
        narrow[(y * size + x) * 3 + c] = sum >> BITS;
      }
    }
  });
  const square = new Uint8ClampedArray(size * size * 3);
  spans(height, size).forEach(({from, weights}, y) => {
    for (let at = 0; at < size * 3; at++) {
      let sum = 1 << (BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += narrow[(from + k) * size * 3 + at] * weights[k];
      square[y * size * 3 + at] = sum >> BITS;
    }
  });
  return new Uint8Array(square.buffer);
}
