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
 * Resizes pixels.
 *
 * @param pixels Rows of pixels, RGB or RGBA; alpha is left out.
 * @returns RGB, `wide * high * 3`.
 */
export function resize(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  wide: number,
  high = wide,
): Uint8Array {
  const channels = pixels.length / (width * height);
  const narrow = new Uint8ClampedArray(height * wide * 3);
  spans(width, wide).forEach(({from, weights}, x) => {
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < 3; c++) {
        let sum = 1 << (BITS - 1);
        for (let k = 0; k < weights.length; k++) {
          sum += pixels[(y * width + from + k) * channels + c] * weights[k];
        }
        narrow[(y * wide + x) * 3 + c] = sum >> BITS;
      }
    }
  });
  const resized = new Uint8ClampedArray(high * wide * 3);
  spans(height, high).forEach(({from, weights}, y) => {
    for (let at = 0; at < wide * 3; at++) {
      let sum = 1 << (BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += narrow[(from + k) * wide * 3 + at] * weights[k];
      resized[y * wide * 3 + at] = sum >> BITS;
    }
  });
  return new Uint8Array(resized.buffer);
}

/** Makes a photo square: "squash" scales both sides, "pad" the longer one, on mid-gray. */
export function squared(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  size: number,
  fit: string,
): Uint8Array {
  if (fit !== 'pad' || width === height) return resize(pixels, width, height, size);
  const wide = width > height ? size : even((width / height) * size);
  const high = width > height ? even((height / width) * size) : size;
  const inner = resize(pixels, width, height, wide, high);
  const [left, top] = [even((size - wide) / 2), even((size - high) / 2)];
  const result = new Uint8Array(size * size * 3).fill(128);
  for (let y = 0; y < high; y++) {
    result.set(inner.subarray(y * wide * 3, (y + 1) * wide * 3), ((y + top) * size + left) * 3);
  }
  return result;
}

/** Python's `round`: halves to the even neighbor. */
function even(value: number): number {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low % 2) : Math.round(value);
}
