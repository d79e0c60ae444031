/** Adjustments of the model's scores; see shared/decoding/rules.py. */

/** The divisor of log-probabilities, Wu et al., 2016, eq. 14. */
export function lengthPenalty(length: number, alpha: number): number {
  return ((5 + length) / 6) ** alpha;
}

/** The coverage penalty of summed attention weights, at most 0. */
export function coveragePenalty(attention: Float32Array, beta: number): number {
  let sum = 0;
  for (const weight of attention) if (weight > 0) sum += Math.log(Math.min(weight, 1));
  return beta * sum;
}

/** Masks each symbol that would complete an n-gram already there, in place; 0 is off. */
export function blockRepeatedNgrams(
  values: Float32Array,
  prefix: readonly number[],
  n: number,
): void {
  const t = prefix.length;
  if (n === 0 || t < n) return;
  for (let start = 0; start + n <= t; start++) {
    let same = true;
    for (let k = 0; k < n - 1; k++) same &&= prefix[start + k] === prefix[t - n + 1 + k];
    if (same) values[prefix[start + n - 1]] = -Infinity;
  }
}
