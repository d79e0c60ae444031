/** Pages as SVG; see apps/handwriting/drawing.py. */
import type {Stroke} from './ink';
import type {Page} from './page';

const SPEED = 90; // millimeters a second of the animation
export const INK = '#1b2a63';
export const PEN = 0.35;

/** A page as SVG, one path for each stroke. */
export function svg(page: Page, ink = INK): string {
  const [w, h] = [page.width.toFixed(2), page.height.toFixed(2)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}mm" height="${h}mm" viewBox="0 0 ${w} ${h}">`,
    `<g id="ink" class="ink" fill="none" stroke="${ink}" stroke-width="${PEN}" `
      + 'stroke-linecap="round" stroke-linejoin="round">',
    ...page.strokes.map((stroke) => `<path d="${curve(stroke)}"/>`),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** When each stroke begins and how long it lasts, in seconds, as a pen would write. */
export function timing(page: Page): {start: number; lasts: number}[] {
  let time = 0.2;
  let before: [number, number] | undefined;
  return page.strokes.map((stroke) => {
    if (before) time += distance(before, stroke[0]) / (2 * SPEED);
    let length = 0;
    for (let k = 1; k < stroke.length; k++) length += distance(stroke[k - 1], stroke[k]);
    const start = time;
    const lasts = Math.max(length / SPEED, 0.03);
    time += lasts;
    before = stroke[stroke.length - 1];
    return {start, lasts};
  });
}

function distance(a: [number, number], b: [number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** A smooth path through the points of a stroke, a centripetal Catmull-Rom spline. */
export function curve(stroke: Stroke): string {
  const two = (values: number[]) => values.map((v) => v.toFixed(2)).join(' ');
  if (stroke.length < 2) return `M${two(stroke[0])}h0.01`;
  const parts = [`M${two(stroke[0])}`];
  for (const [one, other, end] of beziers(stroke)) parts.push(`C${two([...one, ...other, ...end])}`);
  return parts.join('');
}

type Place = [number, number];

/** The two handles and the end of a cubic Bezier curve for every step. */
function beziers(stroke: Stroke): [Place, Place, Place][] {
  const last = stroke.length - 1;
  const beyond = (end: Place, inner: Place): Place => [2 * end[0] - inner[0], 2 * end[1] - inner[1]];
  const padded = [beyond(stroke[0], stroke[1]), ...stroke, beyond(stroke[last], stroke[last - 1])];
  const gaps = padded.slice(1).map((p, k) => Math.max(distance(padded[k], p), 1e-6) ** 0.5);
  return stroke.slice(1).map((_, k) => {
    const [p0, p1, p2, p3] = padded.slice(k, k + 4);
    const [a, b, c] = gaps.slice(k, k + 3);
    const handle = (from: Place, to: Place, back: Place, d: number): Place => {
      const along = (axis: 0 | 1) => (d ** 2 * to[axis] - b ** 2 * back[axis]
        + (2 * d ** 2 + 3 * d * b + b ** 2) * from[axis]) / (3 * d * (d + b));
      return [along(0), along(1)];
    };
    return [handle(p1, p2, p0, a), handle(p2, p1, p3, c), p2];
  });
}

/** Points on `curve`, six for each step. */
export function smooth(stroke: Stroke): Stroke {
  if (stroke.length < 2) return stroke;
  const points = [stroke[0]];
  let start = stroke[0];
  for (const [one, two, end] of beziers(stroke)) {
    for (let k = 1; k <= 6; k++) {
      const t = k / 6;
      const weights = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
      const along = (axis: 0 | 1) =>
        [start, one, two, end].reduce((sum, p, n) => sum + weights[n] * p[axis], 0);
      points.push([along(0), along(1)]);
    }
    start = end;
  }
  return points;
}
