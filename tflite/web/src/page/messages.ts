/** What page and worker say to each other. */
import type {Caption} from '../apps/captioning/caption';
import type {Line} from '../apps/handwriting/lines';
import type {Piece} from '../apps/music/piece';
import type {Rule} from '../apps/music/rules';
import type {Sentence} from '../apps/translation/translate';

export type App = 'captioning' | 'translation' | 'music' | 'handwriting';

/** By verb: what it takes, what it tells meanwhile, and what it returns. */
export interface Verbs {
  /** Loads a model; what it returns is what the page needs to know of it. */
  open: {args: {app: App}; partial: never; result: Facts};
  caption: {args: {photo: Uint8Array; language?: string}; partial: string[]; result: Caption[]};
  translate: {
    args: {text: string; from: string; to: string};
    partial: Sentence[];
    result: Sentence[];
  };
  compose: {
    args: {key: [number, number]; bars: number; metre: string} & Sampling;
    partial: number;
    result: Piece;
  };
  harmonize: {args: {melody: Piece} & Sampling; partial: number; result: Piece};
  write: {
    args: {lines: string[]; style: number; bias: number; seed: number};
    partial: Line;
    result: Line[];
  };
}

interface Sampling {
  seed: number;
  temperature: number;
  rules: readonly Rule[];
}

export type Verb = keyof Verbs;

export interface Facts {
  license: string;
  note: string;
  languages?: string[];
  directions?: [string, string][];
  size?: number;
  fit?: string;
  styles?: string[];
}

export type Request =
  | {[V in Verb]: {id: number; verb: V; args: Verbs[V]['args']}}[Verb]
  | {id: number; verb: 'stop'};

export type Reply =
  | {id: number; kind: 'loading'; received: number; total: number}
  | {id: number; kind: 'partial' | 'done'; value: unknown}
  | {id: number; kind: 'failed'; message: string; stopped: boolean};
