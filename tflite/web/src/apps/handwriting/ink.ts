/** Text as symbols, points as strokes; see apps/handwriting/ink.py, config.py and spelling.py. */
import type {Point} from '../../shared/decoding/mixture';
import {InputError} from '../../shared/errors';

export const KINDS = ['printed', 'cursive', 'mixed'];

/** Points with x to the right. */
export type Stroke = [number, number][];

/** Names of all styles: any, any of each kind, then the writers. */
export function styleNames(styles: readonly string[]): string[] {
  const counts = new Map<string, number>();
  const names = ['any', ...KINDS];
  for (const kind of styles) {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    names.push(`${kind || 'hand'}-${count}`);
  }
  return names;
}

/** Encodes a text of printable ASCII. */
export function symbols(text: string): number[] {
  const strange = [...new Set(text)].filter((c) => c < ' ' || c > '~');
  if (strange.length) throw new InputError(`cannot write ${strange.join(' ')}: printable ASCII only`);
  return Array.from(text, (c) => c.charCodeAt(0) - 31);
}

/** Offsets as strokes, y up. */
export function toStrokes(points: readonly Point[]): Stroke[] {
  const strokes: Stroke[] = [];
  let [x, y] = [0, 0];
  let stroke: Stroke = [];
  for (const [dx, dy, up] of points) {
    x += dx;
    y += dy;
    stroke.push([x, y]);
    if (up > 0.5) {
      strokes.push(stroke);
      stroke = [];
    }
  }
  if (stroke.length) strokes.push(stroke);
  return strokes;
}

/** Strokes as offsets of 32 bits; the inverse of `toStrokes`. */
export function toRows(strokes: readonly Stroke[]): Point[] {
  let [x, y] = [0, 0];
  return strokes.flatMap((stroke) => stroke.map(([a, b], k): Point => {
    const [u, v] = [Math.fround(a), Math.fround(b)];
    const row: Point = [Math.fround(u - x), Math.fround(v - y), Number(k === stroke.length - 1)];
    [x, y] = [u, v];
    return row;
  }));
}
