/** Sampling of pen points from a mixture density; see shared/decoding/mixture.py. */
import {release} from '../generator';
import type {Arrays, Generator, State} from '../generator';
import {Random} from '../random';
import {draw, logSoftmax} from './sampling';
import type {Signal} from '../signal';

const LEAST_LOG_SIGMA = -5;
const MOST_CORRELATION = 0.95;
export const START: Point = [0, 0, 1];

/** dx, dy, and 1 where the pen is lifted after the point. */
export type Point = [number, number, number];

export interface PointResult {
  points: Point[];
  finished: boolean;
  attention: Float32Array[];
}

export interface PointTask {
  generator: Generator;
  bias: number;
  seed: number;
  limit: number;
  prefix?: readonly Point[];
  progress?: (point: Point) => void;
  signal?: Signal;
}

/** Mixture parameters by name, with a probability bias. */
export function split(parameters: Float32Array, bias = 0) {
  const count = (parameters.length - 2) / 6;
  const part = (k: number) => parameters.subarray(k * count, (k + 1) * count);
  const sharper = 1 + bias;
  const sigma = (k: number) => part(k).map((s) => Math.max(s, LEAST_LOG_SIGMA) - bias);
  return {
    weights: logSoftmax(part(0).map((w) => w * sharper)),
    x: part(1),
    y: part(2),
    logSigmaX: sigma(3),
    logSigmaY: sigma(4),
    rho: part(5).map((r) => MOST_CORRELATION * Math.tanh(r)),
    pen: Math.fround(parameters[6 * count] * sharper),
    end: Math.fround(parameters[6 * count + 1] * sharper),
  };
}

/** Samples a point, and whether it is the last. */
function sample(parameters: Float32Array, bias: number, random: Random): [Point, boolean] {
  const {weights, x, y, logSigmaX, logSigmaY, rho, pen, end} = split(parameters, bias);
  const uniform = [random.uniform(), random.uniform(), random.uniform()];
  const normal = [random.normal(), random.normal()];
  const k = draw(weights, uniform[0]);
  const r = rho[k];
  const rest = Math.fround(Math.sqrt(Math.fround(1 - Math.fround(r * r))));
  const along = r * normal[0] + rest * normal[1];
  const up = uniform[1] < sigmoid(pen);
  const over = up && uniform[2] < sigmoid(end);
  const dx = Math.fround(x[k] + Math.fround(Math.exp(logSigmaX[k])) * normal[0]);
  const dy = Math.fround(y[k] + Math.fround(Math.exp(logSigmaY[k])) * along);
  return [[dx, dy, up ? 1 : 0], over];
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Encodes a condition and samples points until the model ends or the limit is reached. */
export async function decodePoints(condition: Arrays, task: PointTask): Promise<PointResult> {
  const {generator, bias, limit, prefix = [], progress, signal} = task;
  const random = new Random(task.seed);
  const {state: first, memory} = await generator.encode(condition);
  let state: State = first;
  let last = START;
  const step = async () => {
    await signal?.check();
    const {outputs, state: next} = await generator.step(
      {point: Float32Array.from(last)}, state, memory);
    release(state);
    state = next;
    return outputs;
  };
  const result: PointResult = {points: [], finished: false, attention: []};
  try {
    for (const point of prefix) {
      await step();
      last = point;
    }
    while (!result.finished && result.points.length < limit) {
      const {mixture, attention} = await step();
      [last, result.finished] = sample(mixture, bias, random);
      result.points.push(last);
      result.attention.push(attention);
      progress?.(last);
    }
  } finally {
    release(state);
    release(memory);
  }
  return result;
}
