/** Corrects names and numbers that the model misspelled; see apps/translation/copying.py. */
import {CAPITAL, CAPITALS} from '../../shared/text/casing';
import {SPACE} from '../../shared/text/tokenizer';
import type {Tokenizer} from '../../shared/text/tokenizer';

const LEAST_SPELLED = 3;
const LEAST_LOOKED = 0.5;
const LEAST_ALIKE = 0.5;

interface Word {
  text: string;
  start: number;
  end: number;
  spaced: boolean;
  marked: boolean;
}

/** Replaces misspelled copies in a translation by the words of the source; returns its ids. */
export function copied(
  tokenizer: Tokenizer,
  source: readonly number[],
  symbols: readonly number[],
  attention: readonly Float32Array[],
  lifted: boolean,
): number[] {
  const read = tokenizer.pieces(source);
  const names = new Map<Word, boolean>();
  for (const word of wordsOf(tokenizer, source, read)) {
    const foreign = isForeign(tokenizer, word.text);
    if (foreign || isSpelled(tokenizer, word, read, lifted)) names.set(word, foreign);
  }
  const result = [...symbols];
  if (!names.size) return result;
  const written = tokenizer.pieces(symbols);
  const words = wordsOf(tokenizer, symbols, written);
  const there = new Set(words.map((word) => word.text));
  const taken = new Map<Word, Word>();
  for (const [name, foreign] of names) {
    if (there.has(name.text)) continue;
    const looks = attention.map((row) => sum(row.subarray(name.start, name.end)));
    let word: Word | undefined;
    let looked = -Infinity;
    for (const one of words) {
      if (one.spaced !== name.spaced) continue;
      const mean = sum(looks.slice(one.start, one.end)) / (one.end - one.start);
      if (mean > looked) [word, looked] = [one, mean];
    }
    if (!word || looked < LEAST_LOOKED || taken.has(word)) continue;
    let alike = 0;
    for (let k = word.start; k < word.end; k++) {
      if (written[k] === read[largest(attention[k])]) alike++;
    }
    const longer = word.text.startsWith(name.text) && !/^\p{N}+$/u.test(word.text);
    const same = alike / (word.end - word.start) >= LEAST_ALIKE;
    if (foreign || (isName(word) && same && !longer)) taken.set(word, name);
  }
  for (const [word, name] of [...taken].sort(([a], [b]) => b.start - a.start)) {
    result.splice(word.start, word.end - word.start, ...source.slice(name.start, name.end));
  }
  return result;
}

function isName(word: Word): boolean {
  return word.marked || /^[\p{Nd}\p{No}\p{Lu}\p{Lt}]/u.test(word.text);
}

/** Runs of subwords of letters, or of digits, with the space before them. */
function wordsOf(tokenizer: Tokenizer, ids: readonly number[], pieces: string[]): Word[] {
  const words: Word[] = [];
  let start = 0;
  let some = false;
  [...pieces, SPACE].forEach((piece, k) => {
    const bare = withoutSpace(piece);
    const inside = /^[\p{L}\p{N}]+$/u.test(bare) || isByte(bare);
    if (some && (piece !== bare || !inside)) {
      let text = withoutSpace(pieces.slice(start, k).join(''));
      if (text.includes('<0x')) text = tokenizer.decode(ids.slice(start, k)).trim();
      const marked = pieces[k] === CAPITAL || pieces[k] === CAPITALS;
      words.push({text, start, end: k, spaced: pieces[start].startsWith(SPACE), marked});
      some = false;
    }
    if (!some && (piece !== bare || pieces[k - 1] !== SPACE)) start = k;
    some ||= inside;
  });
  return words;
}

function isSpelled(tokenizer: Tokenizer, word: Word, pieces: string[], lifted: boolean): boolean {
  const first = !pieces.slice(0, word.start).some((piece) => piece.startsWith(SPACE));
  if (word.end - word.start < LEAST_SPELLED || !(isName(word) || (first && lifted))) return false;
  return !first || tokenizer.encode(word.text.toLowerCase()).length >= LEAST_SPELLED;
}

/** Whether a text has letters, or emoji, that the training data lacks. */
function isForeign(tokenizer: Tokenizer, text: string): boolean {
  return [...text].some((c) => c > '\xff' && /[\p{L}\p{N}\p{So}]/u.test(c)
    && tokenizer.pieces(tokenizer.encode(c)).some(isByte));
}

function isByte(piece: string): boolean {
  return piece.length === 6 && piece.startsWith('<0x');
}

function withoutSpace(piece: string): string {
  return piece.startsWith(SPACE) ? piece.slice(1) : piece;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function largest(values: Float32Array): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
