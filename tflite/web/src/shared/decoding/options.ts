import type {Random} from '../random';

/** How symbols are chosen; see `DecodingOptions` of shared/decoding/options.py. */
export interface DecodingOptions {
  strategy: 'greedy' | 'sample' | 'beam';
  temperature: number;
  top_k: number;
  top_p: number;
  beam_size: number;
  n_best: number;
  length_penalty: number;
  coverage_penalty: number;
  no_repeat_ngram: number;
  min_length: number;
  max_length: number;
  seed: number;
}

const DEFAULTS: DecodingOptions = {
  strategy: 'greedy',
  temperature: 1,
  top_k: 0,
  top_p: 1,
  beam_size: 5,
  n_best: 1,
  length_penalty: 0,
  coverage_penalty: 0,
  no_repeat_ngram: 0,
  min_length: 0,
  max_length: 100,
  seed: 0,
};

/** Options by name; the later ones count. A beam of one hypothesis is greedy decoding. */
export function decodingOptions(...parts: Partial<DecodingOptions>[]): DecodingOptions {
  const options = Object.assign({}, DEFAULTS, ...parts) as DecodingOptions;
  if (options.strategy === 'beam' && options.beam_size === 1) options.strategy = 'greedy';
  return options;
}

/** One decoded sequence; see `DecodingResult` of shared/decoding/options.py. */
export interface DecodingResult {
  symbols: number[];
  score: number;
  logProbability: number;
  finished: boolean;
  attention: Float32Array[];
}

/** Masks symbols of one hypothesis by `-Infinity`, in place. */
export type Constraint = (prefix: readonly number[], values: Float32Array) => void;

/** The symbol inputs of a step: of the number of symbols so far and the last of them. */
export type Inputs = (t: number, last: number) => Record<string, Int32Array>;

/** Called after every step: with the symbols of the hypothesis that leads. */
export type Progress = (symbols: readonly number[], attention: readonly Float32Array[]) => void;

export type {Random};
