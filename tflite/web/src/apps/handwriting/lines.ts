/** Writes lines: sampling, the checks of a line, another try; see apps/handwriting/lines.py. */
import {decodePoints} from '../../shared/decoding/mixture';
import type {Point, PointResult} from '../../shared/decoding/mixture';
import {InputError} from '../../shared/errors';
import type {LiteRtGenerator} from '../../shared/generator';
import {addMarks} from './accents';
import {symbols} from './ink';
import {lettersOf} from './spelling';
import type {Signal} from '../../shared/signal';

const DRAWS = 6;
const [HIGHEST, LOWEST, LONGEST] = [5.5, -3.5, 5];
const MOST_POINTS = 3.5;
const SKIPPED = 0.15;
const LEFT = 0.45;

export interface Line {
  text: string;
  rows: Point[];
  problems: string[];
  draws: number;
  seed: number;
  attention: Float32Array[];
}

export interface Hand {
  style: number;
  bias: number;
  seed: number;
}

/** Writes the lines of a text, none empty; `each` is called with every line, and with points. */
export async function writeText(
  generator: LiteRtGenerator,
  texts: readonly string[],
  {style, bias, seed}: Hand,
  each: (line: Line, index: number) => void = () => {},
  signal?: Signal,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [index, given] of texts.entries()) {
    const {letters: text, marks} = lettersOf(given);
    // The first line has a count of its own, as in Python, where it decides on the others' hand.
    const base = index ? seedOf(seed, 1, 0) : seed;
    let best: Line | undefined;
    for (let draw = 0; draw < DRAWS && (!best || best.problems.length); draw++) {
      const own = seedOf(base, Math.max(index - 1, 0), draw);
      const line = await writeOnce(generator, text, {style, bias, seed: own}, signal);
      if (!best || line.problems.length < best.problems.length) best = line;
      best = {...best, draws: draw + 1};
    }
    const {rows, attention, seed: own} = best!;
    lines.push({...best!, text: given, rows: addMarks(rows, attention, text, marks, own)});
    each(lines[index], index);
  }
  return lines;
}

function seedOf(seed: number, line: number, draw: number): number {
  return seed + 1009 * line + 100_003 * draw;
}

/** Writes a text once. */
export async function writeOnce(
  generator: LiteRtGenerator,
  text: string,
  {style, bias, seed}: Hand,
  signal?: Signal,
): Promise<Line> {
  const {length, points_per_character: rate} = generator.bundle.config as Record<string, number>;
  if (text.length > length) {
    throw new InputError(`${text.length} characters are more than this model's ${length}; split it`);
  }
  const ids = new Int32Array(length);
  ids.set(symbols(text));
  const mask = new Uint8Array(length).fill(1, 0, text.length);
  const limit = Math.trunc(MOST_POINTS * rate * (text.length + 3));
  const drawn = await decodePoints(
    {text: ids, text_mask: mask, style: Int32Array.of(style)},
    {generator, bias, seed, limit, signal},
  );
  const count = endOfText(text, drawn);
  const rows = drawn.points.slice(0, count);
  const attention = drawn.attention.slice(0, count);
  const problems = problemsOf(text, rows, attention, drawn.finished);
  return {text, rows, problems, draws: 1, seed, attention};
}

/** The checks that a line fails: unfinished, runaway, skipped or lost. */
export function problemsOf(
  text: string, rows: Point[], attention: Float32Array[], finished: boolean,
): string[] {
  const found: string[] = [];
  if (!finished) found.push('unfinished');
  let height = 0;
  const runaway = rows.some(([dx, dy], k) => {
    height += dy;
    const down = k > 0 && rows[k - 1][2] < 0.5;
    return height > HIGHEST || height < LOWEST || (down && Math.hypot(dx, dy) > LONGEST);
  });
  if (runaway) found.push('runaway');
  if (!text.trim()) return found;
  const peaks = [...text].flatMap((c, k) => (c === ' ' ? [] : [peakOf(attention, k)]));
  const mean = peaks.reduce((sum, peak) => sum + peak, 0) / peaks.length;
  const missed = peaks.map((peak) => peak < SKIPPED * mean);
  if (missed.slice(0, -1).some(Boolean)) found.push('skipped');
  if (missed[missed.length - 1]) found.push('lost');
  return found;
}

function peakOf(attention: Float32Array[], column: number): number {
  let peak = -Infinity;
  for (const row of attention) peak = Math.max(peak, row[column]);
  return peak;
}

/** Counts the points that belong to the text: surplus strokes after it do not. */
function endOfText(text: string, {points, attention}: PointResult): number {
  const last = text.trimEnd().length - 1;
  if (last < 0) return points.length;
  let usual = 0;
  for (let column = 0; column <= last; column++) usual += peakOf(attention, column) / (last + 1);
  let [x, y] = [0, 0];
  const places = points.map(([dx, dy]): [number, number] => [(x += dx), (y += dy)]);
  const starts = points.flatMap((point, k) => (point[2] > 0.5 && k < points.length - 1 ? [k + 1] : []));
  for (const [number, start] of starts.entries()) {
    const stroke = places.slice(start, starts[number + 1] ?? points.length);
    const peak = peakOf(attention.slice(0, start), last);
    const left = peak > usual / 2 && attention[start][last] < LEFT * peak;
    const apart = Math.min(...stroke.map((p) => p[0])) > Math.max(...places.slice(0, start).map((p) => p[0]))
      && Math.min(...stroke.map((p) => p[1])) < 1;
    if (left && (apart || '.,'.includes(text[last]))) return start;
  }
  return points.length;
}
