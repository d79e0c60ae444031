/** What must not be translated, lifted out of a sentence; see shared/text/placeholders.py. */
import {LETTER, WORD} from './casing';
import {normalize, SPACES} from './normalize';

export const COUNT = 8; // of each kind
export type Kind = 'number' | 'thing' | 'mark';
const FIRST: Record<Kind, number> = {number: 0xe010, thing: 0xe020, mark: 0xe030};
const KINDS = Object.keys(FIRST) as Kind[];
const symbolsOf = (kind: Kind): string[] =>
  Array.from({length: COUNT}, (_, k) => String.fromCodePoint(FIRST[kind] + k));
export const SYMBOLS = KINDS.flatMap(symbolsOf);
export const MARKS = symbolsOf('mark');
export const SYMBOL = `[${SYMBOLS.join('')}]`;

const NOT_SPACE = `[^${SPACES}]`;
const FOLLOWS = `(?!${WORD})`;
const DIGITS = `(?:\\p{Nd}{1,3}(?:[ '’]\\p{Nd}{3})+(?!\\p{Nd})|\\p{Nd}+)(?:[.,:/'’–\\-]\\p{Nd}+)*`;
const NUMBER = `(?:(?<![\\p{L}\\p{N}_.,:/'’–\\-])[+−\\-])?${DIGITS}`;
const FOREIGN =
  '[^\\x00-\\u036f\\u1e00-\\u1eff\\u2000-\\u2bff\\ue000-\\uf8ff\\ufe00-\\ufe0f\\u{1f000}-\\u{1faff}]+';
const PATTERN = new RegExp(
  [
    '(?<mark>',
    [
      '<!--.*?-->|</?[A-Za-z][^<>]*>',
      '\\[[^\\[\\]]{1,40}\\]',
      '(?:[\\u2190-\\u21ff\\u2300-\\u2bff\\u{1f000}-\\u{1faff}][\\ufe0f\\u200d\\u20e3]*)+',
      '[\\ue000-\\uf8ff]+',
      `(?<!${NOT_SPACE})[:;]-?[()DPp]${FOLLOWS}`,
    ].join('|'),
    ')|(?<thing>',
    [
      `(?:https?://|www\\.)[^${SPACES}<>"]*[^${SPACES}<>".,;:!?)\\]'’»]`,
      '[\\p{L}\\p{N}_.+\\-]+@[\\p{L}\\p{N}_\\-]+(?:\\.[\\p{L}\\p{N}_\\-]+)+',
      `(?<![\\p{L}\\p{N}_.])(?:[\\p{L}\\p{N}_\\-]+\\.)+(?:com|org|net|edu|gov|info|io|eu|de|fr|es|uk|ch|at)`
        + `(?:/[^${SPACES}<>"]*[\\p{L}\\p{N}_/])?${FOLLOWS}`,
      `(?<!${WORD})[@#]${WORD}+`,
      `&(?:#\\p{Nd}+|#[xX][0-9A-Fa-f]+|[A-Za-z]${WORD}*);`,
      `\\{\\{[^{}]*\\}\\}|\\{[^{}]*\\}|%\\(${WORD}+\\)[sd]|%[sd]${FOLLOWS}`,
      `${FOREIGN}(?:[ ]${FOREIGN})*`,
    ].join('|'),
    `)|(?<hour>(?<!${WORD})\\p{Nd}{1,2}h\\p{Nd}{2}${FOLLOWS})`,
    `|(?<mixed>(?<!${WORD})(?:(?:${WORD}+-)*${WORD}*${LETTER}${WORD}*\\p{Nd}${WORD}*(?:-${WORD}+)*`
      + `|[A-Z]{2,}-\\p{Nd}+${FOLLOWS}))`,
    '|(?<number>',
    `(?:US|A|C)?[$€£¥₹][ ]?${NUMBER}|${NUMBER}(?:[ ]?(?:[$€£¥₹%‰]|°[CF]?${FOLLOWS}))?`,
    ')',
  ].join(''),
  'gu',
);
const GROUPS: [string, Kind][] = [
  ['mark', 'mark'], ['thing', 'thing'], ['mixed', 'thing'], ['hour', 'number'], ['number', 'number'],
];
const GLUE = '\x00';

export interface Slot {
  symbol: string;
  text: string;
  glued: [boolean, boolean];
}

export interface Lifted {
  text: string;
  slots: Slot[];
  left: number;
}

/** The normalized text with placeholders: `restore` makes the normalized text of it again. */
export function lift(given: string): Lifted {
  const text = normalize(given);
  const slots: Slot[] = [];
  const used: Record<Kind, number> = {number: 0, thing: 0, mark: 0};
  let left = 0;
  let spaced = -1; // the end of the last mark that has been given a space behind it
  const lifted = text.replace(PATTERN, (found: string, ...rest: unknown[]) => {
    const groups = rest[rest.length - 1] as Record<string, string | undefined>;
    const start = rest[rest.length - 3] as number;
    const [, kind] = GROUPS.find(([name]) => groups[name] !== undefined)!;
    if (used[kind] === COUNT) {
      left++;
      return found.replace(new RegExp(SYMBOL, 'g'), '\ufffd');
    }
    const symbol = String.fromCodePoint(FIRST[kind] + used[kind]++);
    if (kind !== 'mark') {
      slots.push({symbol, text: found, glued: [false, false]});
      return symbol;
    }
    const end = start + found.length;
    const glued: [boolean, boolean] =
      [start > 0 && text[start - 1] !== ' ', end < text.length && text[end] !== ' '];
    slots.push({symbol, text: found, glued});
    const before = glued[0] && spaced !== start ? ' ' : '';
    spaced = end;
    return before + symbol + (glued[1] ? ' ' : '');
  });
  return {text: lifted, slots, left};
}

/** The text with what its placeholders stand for; those that stand for nothing vanish. */
export function restore(text: string, slots: readonly Slot[]): string {
  const known = new Map(slots.map((slot) => [slot.symbol, slot]));
  const filled = text.replace(new RegExp(`( ?)(${SYMBOL})`, 'g'), (_, space: string, symbol: string) => {
    const slot = known.get(symbol);
    if (!slot) return '';
    const [before, after] = slot.glued.map((glued) => (glued ? GLUE : ''));
    return space + before + slot.text + after;
  });
  return filled.replace(new RegExp(` ?(?:${GLUE} ?)+`, 'g'), '');
}
