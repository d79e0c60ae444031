/** Letter case as symbols of its own; see shared/text/casing.py. */
export const CAPITAL = '\ue000';
export const CAPITALS = '\ue001';
const JOIN = '\ue002';
export const SYMBOLS = [CAPITAL, CAPITALS, JOIN];

// Capitals of one small letter that has them for its one capital; other letters stay as they are.
const UPPER = [...range(0x41, 0x250), ...range(0x1e00, 0x1f00)]
  .map((code) => String.fromCodePoint(code))
  .filter((c) => {
    const small = c.toLowerCase();
    return [...small].length === 1 && small !== c && small.toUpperCase() === c;
  })
  .join('');
const IS_UPPER = new Set(UPPER);
// Python's [^\W\d_]: what it counts as alphanumeric, without decimal digits.
export const LETTER = '[\\p{L}\\p{Nl}\\p{No}]';
export const WORD = '[\\p{L}\\p{N}_]';
const SEGMENT = new RegExp(
  `(?<i>(?<!${WORD})I(?!${WORD}))|(?<all>[${UPPER}]{2,})`
  + `|(?<one>[${UPPER}](?:(?![${UPPER}])${LETTER})*)|(?<small>(?:(?![${UPPER}])${LETTER})+)`,
  'gu',
);
const MARKED = new RegExp(`(${LETTER}+)([${SYMBOLS.join('')}]?)|[${SYMBOLS.join('')}]`, 'gu');
const FIRST = new RegExp(LETTER, 'u');
const FEW = 4;

/** Case that belongs to a sentence and not to a word of it. */
export interface Style {
  first: boolean;
  all: boolean;
}

function* range(from: number, to: number): Generator<number> {
  for (let k = from; k < to; k++) yield k;
}

/** The text in small letters and symbols; `restore` makes the text of it again. */
export function lower(text: string): {text: string; style: Style} {
  const letters: string[] = text.match(new RegExp(LETTER, 'gu')) ?? [];
  const capitals = letters.filter((c) => IS_UPPER.has(c));
  const first = letters.length > 0 && IS_UPPER.has(letters[0]);
  if (capitals.length === letters.length && letters.length >= FEW) {
    return {text: text.toLowerCase(), style: {first, all: true}};
  }
  const start = text.search(FIRST);
  const lowered = text.replace(SEGMENT, (word: string, ...rest: unknown[]) => {
    const groups = rest[rest.length - 1] as Record<string, string | undefined>;
    const place = rest[rest.length - 3] as number;
    if (groups.i !== undefined) return word;
    if (groups.all !== undefined) return word.toLowerCase() + CAPITALS;
    if (groups.one !== undefined && place !== start) return word.toLowerCase() + CAPITAL;
    const join = IS_UPPER.has(text[place + word.length]) ? JOIN : '';
    return (groups.one === undefined ? word : word.toLowerCase()) + join;
  });
  return {text: lowered, style: {first, all: false}};
}

/** The text with its capitals; a symbol behind no letter vanishes. */
export function restore(text: string, style: Style): string {
  const cased = text.replace(MARKED, (_, word: string | undefined, symbol: string) => {
    if (word === undefined) return '';
    if (symbol === CAPITALS) return word.toUpperCase();
    return symbol === CAPITAL ? capitalized(word) : word;
  });
  if (style.all) return cased.toUpperCase();
  const begin = style.first ? cased.search(FIRST) : -1;
  return begin < 0 ? cased : cased.slice(0, begin) + capitalized(cased.slice(begin));
}

function capitalized(word: string): string {
  const [first = ''] = word;
  const upper = first.toUpperCase();
  return ([...upper].length === 1 ? upper : first) + word.slice(first.length);
}
