/** The line that letters stand on; see `baseline` of apps/handwriting/cleaning.py. */
import type {Stroke} from './ink';

const STEEPEST = 0.25;
const TREMOR = 0.15;

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Slope and height at x = 0 of the line through most of the local minima. */
export function baseline(strokes: readonly Stroke[]): [number, number] {
  const lows = strokes.flatMap(lowsOf);
  const points = lows.length ? lows : strokes.flat();
  let slope = slopeOf(points);
  const rest = ([x, y]: [number, number]) => y - slope * x;
  let base = median(points.map(rest));
  for (const reach of [0.6, 0.4]) {
    const kept = points.filter((point) => Math.abs(rest(point) - base) < reach);
    if (slope && kept.length >= 6) [slope, base] = fit(kept);
    else if (kept.length) base = median(kept.map(rest));
  }
  return [slope, base];
}

/** The least-squares line. */
function fit(points: Stroke): [number, number] {
  const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  let [xy, xx] = [0, 0];
  for (const [x, y] of points) {
    xy += (x - mx) * (y - my);
    xx += (x - mx) ** 2;
  }
  return [xy / xx, my - (xy / xx) * mx];
}

/** The median of the slopes between all points (Theil 1950; Sen 1968); 0 for short lines. */
function slopeOf(points: Stroke): number {
  const x = points.map((p) => p[0]);
  if (points.length < 6 || Math.max(...x) - Math.min(...x) < 6) return 0;
  const slopes: number[] = [];
  for (const [x1, y1] of points) {
    for (const [x2, y2] of points) if (x1 - x2 > 3) slopes.push((y1 - y2) / (x1 - x2));
  }
  const slope = median(slopes);
  return Math.abs(slope) <= STEEPEST ? slope : 0;
}

/** The local minima of a stroke, without tremor and level strokes. */
function lowsOf(stroke: Stroke): Stroke {
  const turns = [0];
  let before = 0;
  for (let k = 1; k < stroke.length; k++) {
    const direction = Math.sign(stroke[k][1] - stroke[k - 1][1]);
    if (!direction) continue;
    if (before && direction !== before) turns.push(k - 1);
    before = direction;
  }
  turns.push(stroke.length - 1);
  return turns.flatMap((turn, k) => {
    const fall = k ? stroke[turns[k - 1]][1] - stroke[turn][1] : NaN; // NaN at an end
    const rise = k + 1 < turns.length ? stroke[turns[k + 1]][1] - stroke[turn][1] : NaN;
    const most = Number.isNaN(fall) ? rise : Number.isNaN(rise) ? fall : Math.max(fall, rise);
    return !(fall < TREMOR) && !(rise < TREMOR) && most > 2 * TREMOR ? [stroke[turn]] : [];
  });
}
