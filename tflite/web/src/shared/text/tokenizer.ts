/** Reads a byte-pair SentencePiece model; see shared/text/tokenizer.py. */
import {InputError} from '../errors';
import {normalize} from './normalize';

export const START = 2;
export const END = 3;
export const SPACE = '\u2581';
const UNKNOWN = 1;
const [NORMAL, CONTROL, DEFINED, BYTE] = [1, 3, 4, 6];

interface Piece {
  text: string;
  score: number;
  kind: number;
}

interface Pair {
  left: number;
  right: number;
  score: number;
  size: number;
}

export class Tokenizer {
  private readonly table: Piece[];
  private readonly ids = new Map<string, number>(); // of what text matches
  private readonly named = new Map<string, number>();
  private readonly firstByte: number;
  private readonly defined: RegExp | null;

  constructor(model: Uint8Array) {
    this.table = read(model);
    this.table.forEach(({text, kind}, id) => {
      if (kind === NORMAL || kind === DEFINED) this.ids.set(text, id);
      this.named.set(text, id);
    });
    this.firstByte = this.named.get('<0x00>') ?? -1;
    if (this.firstByte < 0) throw new InputError('not a tokenizer of this suite');
    const defined = this.table.filter((p) => p.kind === DEFINED).map((p) => p.text);
    defined.sort((a, b) => b.length - a.length);
    this.defined = defined.length ? new RegExp(`(${defined.map(escape).join('|')})`, 'u') : null;
  }

  get vocabulary(): number {
    return this.table.length;
  }

  /** Ids of text, without start and end. */
  encode(text: string): number[] {
    const spaced = normalize(text).replaceAll(' ', SPACE);
    if (!spaced) return [];
    const ids: number[] = [];
    for (const piece of this.merged(SPACE + spaced)) {
      const id = this.ids.get(piece);
      if (id !== undefined) ids.push(id);
      else for (const byte of new TextEncoder().encode(piece)) ids.push(this.firstByte + byte);
    }
    return ids;
  }

  /** Normalized text of ids, without control symbols. */
  decode(ids: Iterable<number>): string {
    let text = '';
    let bytes: number[] = [];
    const flush = () => {
      text += utf8(bytes);
      bytes = [];
    };
    for (const id of ids) {
      const {kind, text: piece} = this.table[id];
      if (kind === BYTE) {
        bytes.push(id - this.firstByte);
      } else if (kind !== CONTROL && id !== UNKNOWN) {
        flush();
        text += piece;
      }
    }
    flush();
    const spaced = text.replaceAll(SPACE, ' ');
    return spaced.startsWith(' ') && text.startsWith(SPACE) ? spaced.slice(1) : spaced;
  }

  pieces(ids: Iterable<number>): string[] {
    return Array.from(ids, (id) => this.table[id].text);
  }

  /** The id of a control symbol, such as `<2de>`. */
  id(symbol: string): number {
    const found = this.named.get(symbol);
    if (found === undefined || this.table[found].kind !== CONTROL) {
      throw new InputError(`the tokenizer has no symbol '${symbol}'`);
    }
    return found;
  }

  /** Merges neighbors until no piece of the vocabulary is made: best score first, then leftmost. */
  private merged(text: string): string[] {
    const symbols: (string | null)[] = [];
    const frozen: boolean[] = [];
    for (const part of this.defined ? text.split(this.defined) : [text]) {
      const whole = this.defined !== null && this.table[this.ids.get(part) ?? 0].kind === DEFINED;
      for (const symbol of whole ? [part] : part) {
        symbols.push(symbol);
        frozen.push(whole);
      }
    }
    const next = symbols.map((_, k) => (k + 1 < symbols.length ? k + 1 : -1));
    const before = symbols.map((_, k) => k - 1);
    const heap = new Heap();
    const offer = (left: number, right: number) => {
      if (left < 0 || right < 0 || frozen[left] || frozen[right]) return;
      const joined = symbols[left]! + symbols[right]!;
      const id = this.ids.get(joined);
      if (id !== undefined) {
        heap.push({left, right, score: this.table[id].score, size: joined.length});
      }
    };
    for (let k = 1; k < symbols.length; k++) offer(k - 1, k);
    for (let pair = heap.pop(); pair; pair = heap.pop()) {
      const {left, right, size} = pair;
      const [a, b] = [symbols[left], symbols[right]];
      if (a === null || b === null || next[left] !== right || a.length + b.length !== size) continue;
      symbols[left] = a + b;
      symbols[right] = null;
      next[left] = next[right];
      if (next[right] >= 0) before[next[right]] = left;
      offer(before[left], left);
      offer(left, next[left]);
    }
    return symbols.filter((symbol) => symbol !== null);
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Pairs by score, then from the left. */
class Heap {
  private readonly items: Pair[] = [];

  push(pair: Pair): void {
    const {items} = this;
    let k = items.push(pair) - 1;
    while (k) {
      const parent = (k - 1) >> 1;
      if (!sooner(items[k], items[parent])) break;
      [items[k], items[parent]] = [items[parent], items[k]];
      k = parent;
    }
  }

  pop(): Pair | undefined {
    const {items} = this;
    const [first] = items;
    const last = items.pop();
    if (items.length && last) {
      items[0] = last;
      for (let k = 0; ; ) {
        let child = 2 * k + 1;
        if (child + 1 < items.length && sooner(items[child + 1], items[child])) child++;
        if (child >= items.length || !sooner(items[child], items[k])) break;
        [items[k], items[child]] = [items[child], items[k]];
        k = child;
      }
    }
    return first;
  }
}

function sooner(a: Pair, b: Pair): boolean {
  return a.score > b.score || (a.score === b.score && a.left < b.left);
}

/** UTF-8, each byte outside of it one U+FFFD. */
function utf8(bytes: number[]): string {
  let text = '';
  const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
  for (let k = 0; k < bytes.length; ) {
    const size = bytes[k] < 0x80 ? 1 : bytes[k] < 0xe0 ? 2 : bytes[k] < 0xf0 ? 3 : 4;
    try {
      text += strict.decode(Uint8Array.from(bytes.slice(k, k + size)));
      k += size;
    } catch {
      text += '\ufffd';
      k++;
    }
  }
  return text;
}

/** The pieces of a SentencePiece `ModelProto`. */
function read(data: Uint8Array): Piece[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const pieces: Piece[] = [];
  let place = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = data[place++];
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  /** Calls back with each field; of bytes the end, else the value. */
  const fields = (end: number, field: (number: number, value: number) => void) => {
    while (place < end) {
      const tag = varint();
      const kind = tag & 7;
      if (kind === 0) {
        field(tag >> 3, varint());
      } else if (kind === 2) {
        const stop = varint() + place;
        field(tag >> 3, stop);
        place = stop;
      } else if (kind === 5) {
        field(tag >> 3, view.getFloat32(place, true));
        place += 4;
      } else if (kind === 1) {
        place += 8;
      } else {
        throw new InputError('not a SentencePiece model');
      }
    }
  };
  fields(data.length, (number, end) => {
    if (number !== 1) return;
    const piece: Piece = {text: '', score: 0, kind: NORMAL};
    fields(end, (inner, value) => {
      if (inner === 1) piece.text = new TextDecoder().decode(data.subarray(place, value));
      if (inner === 2) piece.score = value;
      if (inner === 3) piece.kind = value;
    });
    pieces.push(piece);
  });
  return pieces;
}
