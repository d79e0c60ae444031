/** Translates texts sentence by sentence; see apps/translation/search.py and translate.py. */
import {decode} from '../../shared/decoding/decode';
import {decodingOptions} from '../../shared/decoding/options';
import type {DecodingOptions, DecodingResult} from '../../shared/decoding/options';
import {InputError} from '../../shared/errors';
import type {LiteRtGenerator} from '../../shared/generator';
import {normalize} from '../../shared/text/normalize';
import {fitSentence, splitSentences} from '../../shared/text/sentences';
import {END, START} from '../../shared/text/tokenizer';
import type {Tokenizer} from '../../shared/text/tokenizer';
import {copied} from './copying';
import {finished, formOf, isEmpty, plainForm, shown} from './lifting';
import type {Form} from './lifting';
import {markNames, translated} from './names';
import {Placing} from './placing';
import type {Signal} from '../../shared/signal';

interface Config {
  directions: [string, string][];
  multilingual: boolean;
  length: number;
  lifted?: boolean;
}

/** One translation of a sentence. */
export interface Hypothesis {
  text: string;
  score: number;
  symbols: number[]; // as the model wrote them, before copying
  sourcePieces: string[];
  pieces: string[];
  attention: Float32Array[];
}

export interface Sentence {
  source: string;
  gap: string;
  found: Hypothesis[];
}

/** A translator of one bundle. */
export class Translator {
  private readonly config: Config;
  private readonly placing: Placing;

  constructor(
    private readonly generator: LiteRtGenerator,
    readonly tokenizer: Tokenizer,
  ) {
    this.config = generator.bundle.config as unknown as Config;
    this.placing = new Placing(tokenizer);
  }

  get directions(): [string, string][] {
    return this.config.directions;
  }

  /** Translates a text of any length; `each` is called with the sentences that are there. */
  async translate(
    text: string,
    from: string,
    target: string,
    chosen: Partial<DecodingOptions> = {},
    each: (done: Sentence[]) => void = () => {},
    signal?: Signal,
  ): Promise<Sentence[]> {
    const done: Sentence[] = [];
    for (const {source, gap} of this.parts(text)) {
      await signal?.check();
      const marked = this.config.lifted ? markNames(source, this.tokenizer, from) : source;
      const found = await this.sentence(marked, target, chosen, signal);
      for (const one of found) one.text = translated(one.text, marked);
      done.push({source, gap, found});
      each(done);
    }
    return done;
  }

  /** Sentences, and parts of those that are too long for the model. */
  private parts(text: string): {source: string; gap: string}[] {
    const {length, multilingual, lifted} = this.config;
    const room = length - 1 - Number(multilingual);
    const measure = (part: string): number => {
      if (!lifted) return this.tokenizer.encode(part).length;
      const form = formOf(part);
      return form.left ? room + form.left : this.tokenizer.encode(form.text).length;
    };
    return splitSentences(text).flatMap(({text: sentence, after}) => {
      const whole = normalize(sentence);
      let start = 0;
      const parts = fitSentence(whole, room, measure).map((source) => {
        const end = start + source.length;
        const gap = whole[end] === ' ' ? ' ' : '';
        start = end + gap.length;
        return {source, gap};
      });
      parts[parts.length - 1].gap = after;
      return parts;
    });
  }

  /** Translates a sentence that is short enough. */
  async sentence(
    text: string,
    target: string,
    chosen: Partial<DecodingOptions> = {},
    signal?: Signal,
  ): Promise<Hypothesis[]> {
    const lifted = Boolean(this.config.lifted);
    const form = lifted ? formOf(text) : plainForm(text);
    if (!normalize(text) || (lifted && isEmpty(form))) {
      return [untranslated(lifted ? finished(form, form.text) : '')];
    }
    const source = this.sourceIds(form, target);
    const {length} = this.config;
    const ids = new Int32Array(length);
    const mask = new Uint8Array(length);
    ids.set(source);
    mask.fill(1, 0, source.length);
    const options = decodingOptions(this.generator.bundle.decoding, chosen);
    options.max_length = Math.min(3 * source.length + 10, options.max_length);
    const results = await decode({source: ids, source_mask: mask}, {
      generator: this.generator,
      start: START,
      end: END,
      options,
      constraint: form.slots.length
        ? this.placing.constraint(form.slots, options.max_length)
        : undefined,
      signal,
    });
    return results.map((result) => this.hypothesis(source, form, result, lifted));
  }

  private sourceIds(form: Form, target: string): number[] {
    const first = this.config.multilingual ? [this.tokenizer.id(`<2${target}>`)] : [];
    const ids = [...first, ...this.tokenizer.encode(form.text), END];
    if (ids.length > this.config.length) {
      throw new InputError(
        `${ids.length} subwords in one sentence, the model reads ${this.config.length}; split it`);
    }
    return ids;
  }

  private hypothesis(
    source: number[], form: Form, result: DecodingResult, lifted: boolean,
  ): Hypothesis {
    const attention = result.attention.map((row) => row.slice(0, source.length));
    const ids = copied(this.tokenizer, source, result.symbols, attention, lifted);
    const written = this.tokenizer.decode(ids);
    return {
      text: lifted ? finished(form, written) : written,
      score: result.score,
      symbols: result.symbols,
      sourcePieces: this.tokenizer.pieces(source).map(shown),
      pieces: this.tokenizer.pieces(result.symbols).map(shown),
      attention,
    };
  }
}

function untranslated(text: string): Hypothesis {
  return {text, score: 0, symbols: [], sourcePieces: [], pieces: [], attention: []};
}
