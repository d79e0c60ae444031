/**
 * NumPy's `default_rng`: the same seed gives the same numbers here and in Python.
 *
 * `SeedSequence` spreads the seed (M. O'Neill's seed_seq_fe), PCG64 XSL-RR makes 64 bits at a time
 * (O'Neill 2014), and normal numbers come from a ziggurat of 256 layers (Marsaglia and Tsang 2000).
 */
const MASK32 = 0xffffffffn;
const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

/** The words of a pool of 128 bits that a seed and a key fill. */
function pool(seed: number | readonly number[], key: readonly number[]): number[] {
  const entropy = [seed].flat().flatMap(words);
  if (key.length) while (entropy.length < POOL) entropy.push(0);
  for (const part of key) entropy.push(...words(part));
  let hash = 0x43b0d7e5;
  const hashed = (value: number): number => {
    value = (value ^ hash) >>> 0;
    hash = Math.imul(hash, 0x931e8875) >>> 0;
    value = Math.imul(value, hash) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number): number => {
    const result = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (result ^ (result >>> 16)) >>> 0;
  };
  const mixed = Array.from({length: POOL}, (_, k) => hashed(entropy[k] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) {
      if (from !== to) mixed[to] = mix(mixed[to], hashed(mixed[from]));
    }
  }
  for (let k = POOL; k < entropy.length; k++) {
    for (let to = 0; to < POOL; to++) mixed[to] = mix(mixed[to], hashed(entropy[k]));
  }
  return mixed;
}

/** A whole number as words of 32 bits, the lowest first. */
function words(value: number): number[] {
  const found: number[] = [];
  for (let rest = BigInt(value); rest > 0n || !found.length; rest >>= 32n) {
    found.push(Number(rest & MASK32));
  }
  return found;
}

export class Random {
  private state = 0n;
  private readonly increment: bigint;

  /** `SeedSequence(seed, spawn_key=key)` in NumPy. */
  constructor(seed: number | readonly number[], key: readonly number[] = []) {
    const mixed = pool(seed, key);
    let hash = 0x8b51f9dd;
    const made: bigint[] = [];
    for (let k = 0; k < 8; k++) {
      let value = (mixed[k % POOL] ^ hash) >>> 0;
      hash = Math.imul(hash, 0x58f38ded) >>> 0;
      value = Math.imul(value, hash) >>> 0;
      made.push(BigInt((value ^ (value >>> 16)) >>> 0));
    }
    const pair = (k: number): bigint => made[k] | (made[k + 1] << 32n);
    this.increment = ((((pair(4) << 64n) | pair(6)) << 1n) | 1n) & MASK128;
    this.advance();
    this.state = (this.state + ((pair(0) << 64n) | pair(2))) & MASK128;
    this.advance();
  }

  private advance(): void {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK128;
  }

  private bits(): bigint {
    this.advance();
    const value = (this.state >> 64n) ^ (this.state & MASK64);
    const by = this.state >> 122n;
    return ((value >> by) | (value << (64n - by))) & MASK64;
  }

  /** A number in [0, 1), as `Generator.random`. */
  uniform(): number {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  /** A standard normal number, as `Generator.standard_normal`. */
  normal(): number {
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 0xffn);
      const size = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = size * WIDTHS[layer] * ((bits >> 8n) & 1n ? -1 : 1);
      if (size < INSIDE[layer]) return x;
      if (layer === 0) {
        for (;;) {
          const beyond = -Math.log1p(-this.uniform()) / RIGHT;
          const y = -Math.log1p(-this.uniform());
          if (2 * y > beyond * beyond) {
            return (BigInt(size) >> 8n) & 1n ? -(RIGHT + beyond) : RIGHT + beyond;
          }
        }
      }
      const height = (HEIGHTS[layer - 1] - HEIGHTS[layer]) * this.uniform() + HEIGHTS[layer];
      if (height < Math.exp(-0.5 * x * x)) return x;
    }
  }
}

// --- the ziggurat ---------------------------------------------------------------------------

const RIGHT = 3.654152885361009; // where the tail begins
const [WIDTHS, INSIDE, HEIGHTS] = ziggurat();

/** Of each layer its width, where it is inside the next one, both scaled, and its height. */
function ziggurat(): Float64Array[] {
  const density = (x: number): number => Math.exp(-0.5 * x * x);
  let tail = density(RIGHT) + density(RIGHT + 12); // the integral of the tail by Simpson's rule
  const [count, step] = [20_000, 12 / 20_000];
  for (let k = 1; k < count; k++) tail += density(RIGHT + k * step) * (k % 2 ? 4 : 2);
  const area = RIGHT * density(RIGHT) + (tail * step) / 3; // the same for all layers
  const edge = new Float64Array(257);
  edge[256] = area / density(RIGHT);
  edge[255] = RIGHT;
  for (let k = 254; k > 0; k--) {
    edge[k] = Math.sqrt(-2 * Math.log(area / edge[k + 1] + density(edge[k + 1])));
  }
  const scale = 2 ** 52;
  const table = (value: (k: number) => number) => Float64Array.from({length: 256}, (_, k) => value(k));
  return [
    table((k) => edge[k || 256] / scale),
    table((k) => (edge[k ? k - 1 : 255] / edge[k || 256]) * scale),
    table((k) => density(edge[k])),
  ];
}
