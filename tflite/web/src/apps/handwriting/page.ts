/** Breaks a text into lines, and places ink as large as it is; see apps/handwriting/page.py. */
import type {Point} from '../../shared/decoding/mixture';
import {toStrokes} from './ink';
import type {Stroke} from './ink';

const MOST = 48; // characters of a line
const [ASCENT, DESCENT] = [2.6, 1.6]; // x-heights over the first baseline, below the last
export const SIZE = 2.5; // millimeters of an x-height
const SPACING = 4.5;

/** Strokes in millimeters, y down; for each line the strokes before its end. */
export interface Page {
  width: number;
  height: number;
  strokes: Stroke[];
  lines: number[];
}

/** Breaks a text into lines of at most 48 characters; spaces are collapsed. */
export function breakText(text: string, room = MOST): string[] {
  const lines = text.split(/\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/).flatMap((paragraph) => {
    const broken = [''];
    for (let word of paragraph.split(/\s+/).filter(Boolean)) {
      const before = broken[broken.length - 1];
      if (before && before.length + 1 + word.length <= room) {
        broken[broken.length - 1] = `${before} ${word}`;
        continue;
      }
      if (before) broken.push('');
      while (word.length > room) {
        broken[broken.length - 1] = `${word.slice(0, room - 1)}-`;
        word = word.slice(room - 1);
        broken.push('');
      }
      broken[broken.length - 1] = word;
    }
    return broken;
  });
  while (lines.length && !lines[lines.length - 1]) lines.pop();
  return lines;
}

/** Places lines below each other; null is an empty one. */
export function place(lines: readonly (readonly Point[] | null)[], size = SIZE): Page {
  const margin = size * 1.5;
  const first = margin + ASCENT * size;
  const strokes: Stroke[] = [];
  const ends: number[] = [];
  lines.forEach((rows, k) => {
    const baseline = first + k * SPACING * size;
    for (const stroke of rows ? toStrokes(rows) : []) {
      strokes.push(stroke.map(([x, y]) => [x * size + margin, baseline - y * size]));
    }
    ends.push(strokes.length);
  });
  const points = strokes.flat();
  const bound = (axis: 0 | 1) => points.reduce(
    ([low, high], p) => [Math.min(low, p[axis]), Math.max(high, p[axis])], [Infinity, -Infinity]);
  const [[x0, x1], [y0, y1]] = points.length ? [bound(0), bound(1)] : [[margin, margin], [first, first]];
  const [left, top] = [Math.max(0, margin / 3 - x0), Math.max(0, margin / 3 - y0)];
  const bottom = first + (lines.length - 1) * SPACING * size + DESCENT * size + margin;
  return {
    width: Math.max(x1 + margin, x1 + margin / 3) + left,
    height: Math.max(bottom, y1 + margin / 3) + top,
    strokes: strokes.map((s) => s.map(([x, y]) => [x + left, y + top])),
    lines: ends,
  };
}
