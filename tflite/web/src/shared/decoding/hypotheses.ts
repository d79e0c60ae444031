/** The hypotheses of one item; see shared/decoding/hypotheses.py. */
import {InputError} from '../errors';
import {release} from '../generator';
import type {Generator, State} from '../generator';
import type {Constraint, DecodingOptions, DecodingResult, Inputs, Progress} from './options';
import {blockRepeatedNgrams, coveragePenalty, lengthPenalty} from './rules';
import {logSoftmax} from './sampling';
import type {Signal} from '../signal';

/** The arguments of `decode`, except the state. */
export interface Task {
  generator: Generator;
  start: number;
  end: number;
  options: DecodingOptions;
  inputs?: Inputs;
  constraint?: Constraint;
  prefix?: readonly number[];
  progress?: Progress;
  signal?: Signal;
}

export class Hypothesis {
  symbols: number[] = [];
  attention: Float32Array[] = [];
  coverage: Float32Array | null = null;
  total = 0;
  scored = 0;
  ended = false;
  state: State | null = null;
}

export class Hypotheses {
  rows: Hypothesis[] = [];
  t = 0;

  constructor(
    readonly task: Task,
    readonly memory: State,
  ) {}

  get live(): Hypothesis[] {
    return this.rows.filter((row) => row.state);
  }

  get running(): boolean {
    return this.t < this.task.options.max_length && this.live.length > 0;
  }

  /** Begins with one hypothesis, to which the prefix is fed. */
  async begin(state: State): Promise<void> {
    const first = new Hypothesis();
    first.state = state;
    this.rows = [first];
    for (const symbol of this.task.prefix ?? []) {
      await this.step();
      first.symbols.push(symbol);
      this.t++;
    }
  }

  /** Makes every row one that begins as the first. */
  fanOut(width: number): void {
    const [first] = this.rows;
    this.rows = Array.from({length: width}, () => Object.assign(new Hypothesis(), first, {
      symbols: [...first.symbols],
      attention: [...first.attention],
    }));
  }

  /** Steps the live rows; returns their logits. */
  private async step(): Promise<Map<Hypothesis, Float32Array>> {
    const {generator, inputs, start, options, signal} = this.task;
    await signal?.check();
    const old = new Set<State>();
    const found = new Map<Hypothesis, Float32Array>();
    for (const row of this.live) {
      const last = this.t ? row.symbols[this.t - 1] : start;
      const symbol = inputs ? inputs(this.t, last) : {symbol: Int32Array.of(last)};
      const {outputs, state} = await generator.step(symbol, row.state!, this.memory);
      old.add(row.state!);
      row.state = state;
      found.set(row, outputs.logits);
      if (outputs.attention) {
        row.attention = [...row.attention, outputs.attention];
        if (options.coverage_penalty) {
          const before = row.coverage;
          row.coverage = outputs.attention.map((w, k) => w + (before?.[k] ?? 0));
        }
      }
    }
    old.forEach(release);
    return found;
  }

  /** Steps the live rows; returns their log-probabilities with all rules applied. */
  async logProbabilities(): Promise<Map<Hypothesis, Float32Array>> {
    const {constraint, options, end} = this.task;
    const found = await this.step();
    for (const [row, logits] of found) {
      const values = logSoftmax(logits);
      constraint?.(row.symbols, values);
      blockRepeatedNgrams(values, row.symbols, options.no_repeat_ngram);
      if (this.t < options.min_length) values[end] = -Infinity;
      found.set(row, values);
    }
    return found;
  }

  /** Continues with other rows; states that none of them has are released. */
  replace(rows: Hypothesis[]): void {
    const kept = new Set(rows.map((row) => row.state));
    for (const state of new Set(this.rows.map((row) => row.state))) {
      if (state && !kept.has(state)) release(state);
    }
    this.rows = rows;
    this.t++;
    const [best] = rows;
    if (best) this.task.progress?.(best.symbols, best.attention);
  }

  /** A hypothesis with one symbol more; it lives unless that is the end. */
  extended(row: Hypothesis, symbol: number, total: number): Hypothesis {
    const ended = symbol === this.task.end;
    return Object.assign(new Hypothesis(), row, {
      symbols: ended ? row.symbols : [...row.symbols, symbol],
      total,
      scored: row.scored + 1,
      ended,
      state: ended ? null : row.state,
    });
  }

  score(total: number, length: number): number {
    return total / lengthPenalty(length, this.task.options.length_penalty);
  }

  coverageScore(row: Hypothesis): number {
    const beta = this.task.options.coverage_penalty;
    return beta && row.coverage ? coveragePenalty(row.coverage, beta) : 0;
  }

  results(): DecodingResult[] {
    const scores = new Map(
      this.rows.map((row) => [row, this.score(row.total, row.scored) + this.coverageScore(row)]),
    );
    const ranked = this.rows.filter((row) => row.total > -Infinity);
    if (!ranked.length) throw new InputError('every symbol is forbidden; loosen the constraint');
    ranked.sort((a, b) => scores.get(b)! - scores.get(a)!);
    return ranked.slice(0, this.task.options.n_best).map((row) => ({
      symbols: row.symbols,
      score: scores.get(row)!,
      logProbability: row.total,
      finished: row.ended,
      attention: row.attention.slice(0, row.symbols.length),
    }));
  }

  /** Frees all that is left. */
  dispose(): void {
    for (const state of new Set(this.live.map((row) => row.state!))) release(state);
  }
}
