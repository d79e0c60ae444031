/** Adds accents and other marks to the letters of a written line; see apps/handwriting/accents.py. */
import type {Point} from '../../shared/decoding/mixture';
import {Random} from '../../shared/random';
import {baseline} from './baseline';
import {smooth} from './drawing';
import {toRows, toStrokes} from './ink';
import type {Stroke} from './ink';
import type {Mark} from './spelling';

type Place = [number, number];

const OGONEK = '\u0328';
const AHEAD = 3; // points that the window is ahead of the pen
const GAP = 0.22; // between a letter and its accent; all lengths are in x-heights
const TALL = 1.5;
const ASCENDING = new Set('bdfhkltABCDEFGHIJKLMNOPQRSTUVWXYZ');
const STEEP = 0.3;
const BODY: Place = [0.1, 0.9]; // quantiles of a letter's ink between which it is centered
const [DOT, NEAR, OVERLAP] = [0.7, 1, 0.1];
const RING: Stroke = Array.from({length: 9}, (_, k) => {
  const angle = 0.3 + (k * 6.3) / 8;
  return [0.17 * Math.sin(angle), 0.18 + 0.18 * Math.cos(angle)];
});

// Strokes above a letter begin at height 0, over its center; those below end there.
const ABOVE: Record<string, Stroke[]> = {
  '\u0300': [[[-0.26, 0.42], [-0.1, 0.22], [0.14, 0]]],
  '\u0301': [[[0.26, 0.44], [0.08, 0.2], [-0.12, 0]]],
  '\u0302': [[[-0.3, 0], [-0.14, 0.2], [0, 0.36], [0.14, 0.18], [0.32, 0.02]]],
  '\u0303': [[[-0.38, 0.04], [-0.24, 0.22], [-0.06, 0.18], [0.12, 0.06], [0.26, 0.08], [0.38, 0.26]]],
  '\u0304': [[[-0.34, 0.1], [0.34, 0.12]]],
  '\u0306': [[[-0.3, 0.34], [-0.2, 0.1], [0, 0], [0.2, 0.1], [0.3, 0.36]]],
  '\u0307': [[[0, 0.16], [0.02, 0.04]]],
  '\u0308': [[[-0.22, 0.18], [-0.24, 0.04]], [[0.24, 0.2], [0.22, 0.06]]],
  '\u030a': [RING],
  '\u030b': [[[0.02, 0.42], [-0.2, 0]], [[0.36, 0.42], [0.12, 0.02]]],
  '\u030c': [[[-0.3, 0.36], [-0.14, 0.14], [0, 0], [0.14, 0.18], [0.32, 0.4]]],
};
const BELOW: Record<string, Stroke[]> = {
  '\u0326': [[[0.06, -0.22], [0.04, -0.36], [-0.1, -0.56]]],
  '\u0327': [[[0.02, 0.04], [-0.02, -0.14], [0.16, -0.2], [0.18, -0.38], [0, -0.48], [-0.2, -0.42]]],
  [OGONEK]: [[[0, 0.04], [-0.16, -0.14], [-0.18, -0.34], [-0.02, -0.46], [0.16, -0.38]]],
};
const ACROSS: Record<string, Stroke[]> = {
  bar: [[[-0.32, -0.16], [0.36, 0.2]]],
  bars: [[[-0.5, 0.16], [0.16, 0.2]], [[-0.52, -0.16], [0.1, -0.12]]],
};
// With the room that they take; their origin is on the baseline.
const BEFORE: Record<string, [Stroke[], number]> = {
  '¿': [[[[0.36, 1.24], [0.37, 1.12]], [[0.36, 0.8], [0.3, 0.42], [0.06, 0.12], [-0.06, -0.2],
    [0.1, -0.5], [0.42, -0.54], [0.64, -0.3]]], 1],
  '¡': [[[[0.12, 1.24], [0.13, 1.12]], [[0.12, 0.82], [0.1, 0.2], [0.11, -0.56]]], 0.6],
};

const SHARP_S: Stroke[] = [[[0, -0.3], [0.02, 0.5], [0.05, 1.3], [0.17, 1.72], [0.42, 1.82],
  [0.6, 1.58], [0.54, 1.24], [0.28, 0.98], [0.58, 0.84], [0.72, 0.5], [0.62, 0.1], [0.36, -0.04],
  [0.2, 0.06]]];
const SHARP_WIDTH = 1.05;

/** Adds marks to the letters of a line, whose ink is where the window attends to them. */
export function addMarks(
  rows: Point[], attention: Float32Array[], letters: string, marks: Mark[], seed: number,
): Point[] {
  if (!marks.length) return rows;
  const seen = attention.map((row) => {
    let best = 0;
    for (let k = 1; k < letters.length; k++) if (row[k] > row[best]) best = k;
    return best;
  });
  const line = new Inked(rows, ownersOf(rows, seen, letters));
  const random = new Random([seed, marks.length]);
  for (const [index, mark] of marks) line.add(index, letters[index], mark, random);
  return toRows(line.strokes);
}

/** The letter that each point belongs to: the window is ahead of the pen, except at a stroke's start. */
function ownersOf(rows: Point[], seen: number[], letters: string): number[] {
  let start = 0;
  return rows.map((_, k) => {
    if (k && rows[k - 1][2] > 0.5) start = k;
    const owner = seen[Math.max(k - AHEAD, start)];
    return owner + Number(letters[owner] === ' ');
  });
}

const xs = (points: Stroke) => points.map(([x]) => x);
const ys = (points: Stroke) => points.map(([, y]) => y);
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const low = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
const high = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const at = Math.floor(place);
  return sorted[at] + (place - at) * ((sorted[at + 1] ?? sorted[at]) - sorted[at]);
}

/** The strokes of a line, and the character that each point belongs to. */
class Inked {
  readonly strokes: Stroke[];
  private readonly owners: number[][];
  private readonly slope: number;
  private readonly base: number;
  private readonly slant: number;

  constructor(rows: Point[], owners: number[]) {
    this.strokes = toStrokes(rows);
    let place = 0;
    this.owners = this.strokes.map((stroke) => owners.slice(place, (place += stroke.length)));
    [this.slope, this.base] = baseline(this.strokes);
    let [both, square] = [0, 0];
    for (const stroke of this.strokes) {
      for (let k = 1; k < stroke.length; k++) {
        const [dx, dy] = [stroke[k][0] - stroke[k - 1][0], stroke[k][1] - stroke[k - 1][1]];
        if (dy >= -STEEP || Math.abs(dx) >= -dy) continue;
        both += dx * dy;
        square += dy * dy;
      }
    }
    this.slant = both / Math.max(square, 1e-6);
  }

  /** Adds a mark to a letter; one without ink gets none. */
  add(index: number, letter: string, mark: string, random: Random): void {
    if (!this.owners.some((own) => own.includes(index))) return;
    if (mark === 'joined') {
      const [left] = this.sides(index);
      const gap = left - this.sides(index - 1)[1];
      this.move(index, left, -Math.max(gap + OVERLAP, 0));
    } else if (mark === 'ß') {
      this.insert(index, random);
    } else if (mark in BEFORE) {
      const [strokes, width] = BEFORE[mark];
      const [left] = this.sides(index);
      this.move(index, left - GAP, width);
      this.draw(strokes, [left, this.base + this.slope * left], index, random);
    } else {
      if (letter === 'i') this.dropDot(index);
      if (mark !== 'dotless') this.draw(...this.placed(index, letter, mark), index, random);
    }
  }

  private partsOf(index: number): Stroke[] {
    return this.strokes.map((stroke, k) => stroke.filter((_, n) => this.owners[k][n] === index));
  }

  /** Points along the ink of a letter, with the slant removed. */
  private ink(index: number, letter: string): Stroke {
    const parts = this.partsOf(index).filter((part) => part.length)
      .map((part) => smooth(part).map(([x, y]): Place => [x - this.slant * y, y]));
    const longest = parts.reduce((a, b) => (b.length > a.length ? b : a));
    if (letter === letter.toLowerCase() && letter !== letter.toUpperCase()) return longest;
    const [left, right] = [low(xs(longest)), high(xs(longest))];
    return parts.filter((part) => {
      const middle = mean(xs(part));
      return left - 0.5 < middle && middle < right + 0.5;
    }).flat();
  }

  /** The strokes of a mark, and the place of their origin, with the slant removed. */
  private placed(index: number, letter: string, mark: string): [Stroke[], Place] {
    let ink = this.ink(index, letter);
    if (!ASCENDING.has(letter)) {
      const below = ink.filter(([x, y]) => y < this.base + this.slope * x + TALL);
      if (below.length) ink = below;
    }
    const [bottom, top] = [low(ys(ink)), high(ys(ink))];
    const [left, right] = BODY.map((share) => quantile(xs(ink), share));
    const [middle, half] = [(left + right) / 2, (bottom + top) / 2];
    if (mark in ABOVE) return [ABOVE[mark], [middle, top + GAP]];
    if (mark in BELOW) return [BELOW[mark], [mark === OGONEK ? right : middle, bottom]];
    if (mark === 'beside') {
      const edge = high(xs(ink.filter(([, y]) => y > top - 0.5)));
      return [[[[0.26, 0], [0.14, -0.36]]], [edge, top]];
    }
    if (mark === 'slash') {
      const [wide, tall] = [(right - left) / 2 + 0.15, (top - bottom) / 2 + 0.15];
      return [[[[wide, tall], [-wide, -tall]]], [middle, half]];
    }
    return [ACROSS[mark], [middle, half]];
  }

  /** Draws strokes after those of a character, each time a little different. */
  private draw(strokes: Stroke[], place: Place, index: number, random: Random): void {
    const normal = (scale: number) => scale * random.normal();
    const turn = normal(0.08);
    const size = [1 + normal(0.07), 1 + normal(0.07)];
    const origin = [place[0] + normal(0.04), place[1] + normal(0.04)];
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const drawn = strokes.map((stroke) => stroke.map(([x, y]): Place => {
      const [a, b] = [(x + normal(0.015)) * size[0], (y + normal(0.015)) * size[1]];
      const [u, v] = [a * cos - b * sin + origin[0], a * sin + b * cos + origin[1]];
      return [u + this.slant * v, v];
    }));
    const at = 1 + this.owners.findLastIndex((own) => own.includes(index));
    this.strokes.splice(at, 0, ...drawn);
    this.owners.splice(at, 0, ...drawn.map((stroke) => stroke.map(() => -1)));
  }

  /** Drops the dot of an i: the nearest small stroke of its own over the letter. */
  private dropDot(index: number): void {
    const middle = quantile(xs(this.ink(index, 'i')), 0.5);
    let [found, nearest] = [-1, NEAR];
    this.strokes.forEach((stroke, k) => {
      const [x, y] = [xs(stroke), ys(stroke)];
      const over = low(y) > this.base + this.slope * mean(x) + 0.9;
      const small = Math.max(high(x) - low(x), high(y) - low(y)) < DOT;
      if (!over || !small || this.owners[k][0] < 0) return;
      const away = Math.abs(mean(this.upright(stroke)) - middle);
      if (away < nearest) [found, nearest] = [k, away];
    });
    if (found < 0) return;
    this.strokes.splice(found, 1);
    this.owners.splice(found, 1);
  }

  /** Left and right end of the longest stroke of a letter. */
  private sides(index: number): Place {
    const longest = this.partsOf(index).reduce((a, b) => (b.length > a.length ? b : a));
    const places = this.upright(longest);
    return [low(places), high(places)];
  }

  /** Where points are along the line, with the slant removed. */
  private upright(stroke: Stroke): number[] {
    return stroke.map(([x, y]) => x - this.slant * y);
  }

  /** Draws a sharp s after a letter; strokes that go on from there to the next are cut. */
  private insert(index: number, random: Random): void {
    for (let k = this.strokes.length - 1; k >= 0; k--) {
      const [stroke, own] = [this.strokes[k], this.owners[k]];
      const cut = own.findIndex((owner) => owner > index);
      if (cut < 1 || !own.slice(0, cut).every((owner) => 0 <= owner && owner <= index)) continue;
      this.strokes.splice(k, 1, stroke.slice(0, cut), stroke.slice(cut));
      this.owners.splice(k, 1, own.slice(0, cut), own.slice(cut));
    }
    const [, right] = this.sides(index);
    this.move(index + 1, right, SHARP_WIDTH);
    this.draw(SHARP_S, [right + GAP, this.base + this.slope * right], index, random);
  }

  /** Moves a letter, and what follows, but no dot or bar to the left of its beginning. */
  private move(index: number, begin: number, by: number): void {
    this.strokes.forEach((stroke, k) => {
      if (quantile(this.owners[k], 0.5) >= index && mean(this.upright(stroke)) > begin) {
        this.strokes[k] = stroke.map(([x, y]) => [x + by, y]);
      }
    });
  }
}
