/** Splits paragraphs into sentences, and long sentences into parts; see shared/text/sentences.py. */
import {SPACES} from './normalize';

const END = new RegExp(
  `([.!?…]+["'”’»)\\]]*)([${SPACES}]+)(?=["'“‘„«¿¡(\\[]*(?![_a-zß-öø-ÿ])[\\p{L}\\p{N}_])`
  + `|([${SPACES}]*[\\n\\r\\v\\f\\x85\\u2028\\u2029][${SPACES}]*)`,
  'gu',
);
const SPACE = new RegExp(`[${SPACES}]+`, 'u');
const CLAUSE = new RegExp(`(?<=[;:,–—])[${SPACES}]+`, 'u');
const ABBREVIATIONS = new Set((
  'mr mrs ms dr prof st jr sr vs etc e.g i.e no fig al '
  + 'hr fr bzw z.b d.h u.a usw ca nr str evtl inkl '
  + 'sra srta ud uds pág p.ej mme mlle').split(' '));

export interface Sentence {
  text: string;
  after: string;
}

/** Splits a text into sentences; texts and what is after them are the text again. */
export function splitSentences(text: string): Sentence[] {
  const result: Sentence[] = [];
  let start = 0;
  for (const found of text.matchAll(END)) {
    const [, marks, space, line] = found;
    if (marks === '.' && isAbbreviation(text.slice(start, found.index))) continue;
    const end = found.index + (marks ?? '').length;
    result.push({text: text.slice(start, end), after: space ?? line});
    start = found.index + found[0].length;
  }
  if (start < text.length || !result.length) {
    const stripped = text.slice(start).replace(new RegExp(`[${SPACES}]+$`, 'u'), '');
    result.push({text: stripped, after: text.slice(start + stripped.length)});
  }
  return result;
}

function isAbbreviation(before: string): boolean {
  const word = before.slice(before.lastIndexOf(' ') + 1).replace(/^[("'“„«]+/, '').toLowerCase();
  return (
    /^\p{L}$/u.test(word) || ABBREVIATIONS.has(word) || (/^\p{Nd}+$/u.test(word) && word.length <= 2)
  );
}

/** Splits a sentence into as few parts as possible, each at most `room` long by `length`. */
export function fitSentence(
  text: string,
  room: number,
  length: (part: string) => number,
  cuts: readonly (RegExp | null)[] = [CLAUSE, SPACE, null],
): string[] {
  if (length(text) <= room || text.length < 2) return [text];
  const [cut, ...finer] = cuts;
  const pieces = cut ? text.split(cut) : [...text];
  const glue = cut ? ' ' : '';
  if (pieces.length === 1 && finer.length) return fitSentence(text, room, length, finer);
  const parts: string[] = [];
  for (const piece of pieces) {
    const longer = parts.length ? parts[parts.length - 1] + glue + piece : piece;
    if (parts.length && length(longer) <= room) parts[parts.length - 1] = longer;
    else parts.push(piece);
  }
  return finer.length ? parts.flatMap((part) => fitSentence(part, room, length, finer)) : parts;
}
