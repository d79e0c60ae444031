/** Captions of photos; see apps/captioning/caption.py and words.py. */
import {decode} from '../../shared/decoding/decode';
import {decodingOptions} from '../../shared/decoding/options';
import type {DecodingOptions} from '../../shared/decoding/options';
import {InputError} from '../../shared/errors';
import type {LiteRtGenerator} from '../../shared/generator';
import {END, SPACE, START, Tokenizer} from '../../shared/text/tokenizer';
import type {Signal} from '../../shared/signal';

/** Words, each with its attention weights over the cells of the photo. */
export interface Caption {
  text: string;
  score: number;
  words: string[];
  attention: Float32Array[];
}

/** What captions need of a tokenizer. */
interface Words {
  starts: Record<string, number>;
  pieces(ids: Iterable<number>): string[];
}

/** Whole words of one language or several; see `WordTokenizer` in Python. */
export class WordTokenizer implements Words {
  readonly starts: Record<string, number> = {};
  private readonly words: string[];
  private readonly first: number;

  constructor(content: string[] | Record<string, string[]>) {
    const lists: Record<string, string[]> = Array.isArray(content) ? {en: content} : content;
    Object.keys(lists).forEach((name, k) => (this.starts[name] = k ? END + k : START));
    this.words = Object.values(lists).flat();
    this.first = END + Object.keys(lists).length;
  }

  pieces(ids: Iterable<number>): string[] {
    return Array.from(ids, (id) => SPACE + (this.words[id - this.first] ?? ''));
  }
}

/** Subwords have one language. */
export class Subwords extends Tokenizer implements Words {
  readonly starts = {en: START};
}

export class Captioner {
  readonly size: number;

  constructor(
    private readonly generator: LiteRtGenerator,
    private readonly tokenizer: Words,
  ) {
    this.size = generator.bundle.config.image_size as number;
  }

  get languages(): string[] {
    return Object.keys(this.tokenizer.starts);
  }

  /** The best captions of a photo, `size * size * 3` bytes. */
  async caption(
    photo: Uint8Array,
    language?: string,
    chosen: Partial<DecodingOptions> = {},
    progress: (words: string[]) => void = () => {},
    signal?: Signal,
  ): Promise<Caption[]> {
    const start = language ? this.tokenizer.starts[language] : START;
    if (start === undefined) throw new InputError(`this model does not write ${language}`);
    const options = decodingOptions(this.generator.bundle.decoding, chosen);
    const results = await decode({photo}, {
      generator: this.generator,
      start,
      end: END,
      options,
      progress: (symbols) => progress(this.tokenizer.pieces(symbols)),
      signal,
    });
    return results.map(({symbols, score, attention}) => {
      const joined = joinPieces(this.tokenizer.pieces(symbols), attention);
      return {text: sentence(joined.words.join(' ')), score, ...joined};
    });
  }
}

/** Lower-case words as a sentence. */
export function sentence(plain: string): string {
  const text = plain.replaceAll(" 's", "'s").replaceAll(" n't", "n't").trim();
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : '';
}

/** Subwords as words, each with the mean attention of its subwords. */
function joinPieces(pieces: string[], attention: Float32Array[]) {
  const words: string[] = [];
  const rows: Float32Array[][] = [];
  pieces.forEach((piece, k) => {
    if (piece.startsWith(SPACE) || !words.length) {
      words.push(piece.startsWith(SPACE) ? piece.slice(1) : piece);
      rows.push([attention[k]]);
    } else {
      words[words.length - 1] += piece;
      rows[rows.length - 1].push(attention[k]);
    }
  });
  const mean = (some: Float32Array[]): Float32Array =>
    some[0].map((_, cell) => some.reduce((sum, row) => sum + row[cell], 0) / some.length);
  return {words, attention: rows.map(mean)};
}
