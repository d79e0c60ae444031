/** Functions on log-probabilities; masked symbols are `-Infinity`. See shared/decoding/sampling.py. */

/** Normalizes logits to log-probabilities, in 32 bits; all `-Infinity` stays so. */
export function logSoftmax(logits: ArrayLike<number>): Float32Array {
  const result = Float32Array.from(logits);
  let peak = -Infinity;
  for (const value of result) if (value > peak) peak = value;
  if (peak === -Infinity) return result;
  let total = 0;
  for (let k = 0; k < result.length; k++) {
    result[k] -= peak;
    total += Math.exp(result[k]);
  }
  const by = Math.fround(Math.log(Math.fround(total)));
  for (let k = 0; k < result.length; k++) result[k] -= by;
  return result;
}

export function withTemperature(values: Float32Array, temperature: number): Float32Array {
  return temperature === 1 ? values : logSoftmax(values.map((v) => v / temperature));
}

/** Masks all but the k most probable symbols, ties with the k-th kept; 0 keeps all. */
export function keepTopK(values: Float32Array, k: number): Float32Array {
  if (k <= 0 || k >= values.length) return values;
  const kth = Float32Array.from(values).sort()[values.length - k];
  return values.map((v) => (v < kth ? -Infinity : v));
}

/** Masks all but the smallest set of most probable symbols that reaches `p`; 1 keeps all. */
export function keepTopP(values: Float32Array, p: number): Float32Array {
  if (p >= 1) return values;
  const order = ranked(values);
  const shares = logSoftmax(values).map((v) => Math.exp(v));
  const result = new Float32Array(values.length).fill(-Infinity);
  let before = 0;
  for (const [place, k] of order.entries()) {
    if (place && before >= p) break;
    result[k] = values[k];
    before += shares[k];
  }
  return result;
}

/** Draws a symbol with a number in [0, 1), by inverting the cumulative distribution. */
export function draw(values: Float32Array, uniform: number): number {
  let peak = -Infinity;
  for (const value of values) if (value > peak) peak = value;
  const shares = values.map((v) => Math.exp(v - peak));
  let total = 0;
  for (const share of shares) total += share;
  const point = Math.min(uniform * total, total * (1 - 2 ** -53));
  let cumulative = 0;
  for (let k = 0; k < shares.length; k++) {
    cumulative += shares[k];
    if (cumulative > point) return k;
  }
  return values.length - 1;
}

/** The k largest values, in order; ties in index order. */
export function top(values: Float32Array, k: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (best.length === k && value <= values[best[k - 1]]) continue;
    let place = best.length;
    while (place && values[best[place - 1]] < value) place--;
    best.splice(place, 0, index);
    if (best.length > k) best.pop();
  }
  return best;
}

function ranked(values: Float32Array): number[] {
  return Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
}
