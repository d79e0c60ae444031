/** A chorale decoded from a model, note by note; see apps/music/decoding.py. */
import {decode} from '../../shared/decoding/decode';
import {decodingOptions} from '../../shared/decoding/options';
import type {DecodingOptions} from '../../shared/decoding/options';
import {InputError} from '../../shared/errors';
import type {Arrays, LiteRtGenerator} from '../../shared/generator';
import {
  agesOf, decodeSymbols, encodePiece, END, features, HIGHEST, HOLD, LOWEST, SILENCE, START,
} from './piece';
import type {Piece} from './piece';
import {Rules} from './rules';
import type {Rule} from './rules';
import type {Signal} from '../../shared/signal';

const STEP_COLUMNS = [0, 1, 2, 3, 6]; // of the features, without tonic and mode

/** Fills a plan with notes; `progress` is called with the steps that are written. */
export async function fill(
  generator: LiteRtGenerator,
  outline: Piece,
  chosen: Partial<DecodingOptions>,
  rules: readonly Rule[],
  melody: boolean,
  progress: (steps: number) => void = () => {},
  signal?: Signal,
): Promise<Piece> {
  const frames = generator.bundle.config.frames as number;
  const holds = generator.bundle.config.holds as boolean;
  const steps = outline.pitches.length;
  if (steps > frames) throw new InputError(`${steps} 16ths are more than this model's ${frames}`);
  for (const row of outline.pitches) {
    if (row[0] >= 0 && (row[0] < LOWEST || row[0] > HIGHEST)) {
      throw new InputError(`MIDI pitch ${row[0]} is outside of ${LOWEST} to ${HIGHEST}; transpose it`);
    }
  }
  const rows = features(outline);
  const columns = rows.map((row) => Int32Array.from(STEP_COLUMNS, (k) => row[k]));
  const symbols = encodePiece(outline, holds);
  const keep = new Rules(outline, rules, melody);
  const [result] = await decode(condition(outline, rows, frames, holds, melody), {
    generator,
    start: START,
    end: END,
    options: decodingOptions(generator.bundle.decoding, chosen, {max_length: 4 * steps}),
    inputs: (t, last) => {
      const frame = Math.floor(t / 4);
      return {
        symbol: Int32Array.of(last),
        voice: Int32Array.of(t % 4),
        features: columns[frame],
        frame: Int32Array.of(Math.min(frame, frames - 1)),
      };
    },
    constraint: (prefix, values) => {
      const place = prefix.length % 4;
      if (melody && place === 0) {
        const symbol = symbols[prefix.length / 4][0];
        values.forEach((_, k) => k !== symbol && (values[k] = -Infinity));
        return;
      }
      values[END] = -Infinity;
      const before = prefix.length < 4 ? SILENCE : prefix[prefix.length - 4];
      if (before === SILENCE) values[HOLD] = -Infinity;
      keep.apply(prefix, values);
    },
    progress: (written) => written.length % 16 === 0 && progress(written.length / 4),
    signal,
  });
  const made = Array.from({length: steps}, (_, t) => result.symbols.slice(4 * t, 4 * t + 4));
  return {...outline, ...decodeSymbols(made, holds)};
}

/** What `encode` takes. */
function condition(
  piece: Piece, rows: number[][], frames: number, holds: boolean, given: boolean,
): Arrays {
  const result = {
    key: Int32Array.of(rows[0][4], rows[0][5]),
    melody: new Int32Array(frames),
    melody_age: new Int32Array(frames),
    melody_features: new Int32Array(frames * STEP_COLUMNS.length),
    melody_mask: new Uint8Array(frames),
  };
  if (!given) return result;
  const ages = agesOf(encodePiece(piece, holds), holds);
  encodePiece(piece, false).forEach(([soprano], t) => {
    result.melody[t] = soprano;
    result.melody_age[t] = ages[t][0];
    result.melody_features.set(STEP_COLUMNS.map((k) => rows[t][k]), t * STEP_COLUMNS.length);
    result.melody_mask[t] = 1;
  });
  return result;
}
