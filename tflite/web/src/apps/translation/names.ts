/** Unknown names as placeholders; see apps/translation/names.py and glossary.py. */
import TABLE from '../../../../../apps/translation/translated_names.txt';
import {LETTER, WORD} from '../../shared/text/casing';
import type {Tokenizer} from '../../shared/text/tokenizer';
import {formOf} from './lifting';

const [BEGIN, BETWEEN, END] = ['{\u2061', '\u2062', '\u2061}'];
const TERM = new RegExp('\\{\u2061[^{}]*\u2062([^{}]*)\u2061\\}', 'gu');
const NAME = `${LETTER}+(?:-${LETTER}+)*`;
// Not in an address, a tag or a placeholder.
const NAMES = new RegExp(
  `(?<![\\p{L}\\p{N}_/@#.&<\\{\\-])(?:${NAME} )*${NAME}`
  + `(?![\\p{L}\\p{N}_/@>\\}\\u2061\\u2062\\-]|\\.${WORD})`,
  'gu',
);
const TITLE = new RegExp(
  `(?<!${WORD})(?:(?:Mr|Mrs|Ms|Dr|Prof|Sr|Sra|M|St)\\.`
  + '|Herrn?|Frau|Professor|heiße|heißt|señora?) $',
  'u',
);
const FOLLOWED = new RegExp(`^(?:['’]s(?!${WORD})| (?:and|et|y) (?![a-z])${LETTER})`, 'u');
const STARTS = /(?:^|[.!?…:;–—("'“”„«»¿¡] ?)$/;
const UPPER = /^\p{Uppercase}/u;
const NOT_UPPER = /[\p{Lowercase}\p{Lt}]/u;
/** Names that have a translation, by language. */
export const TRANSLATED = new Map(TABLE.trim().split(/\r?\n/).map((line) => {
  const [language, words] = line.split(': ');
  return [language, new Set(words.split(' '))];
}));

/** Puts unknown names of a sentence into braces; `translated` takes them off. */
export function markNames(text: string, tokenizer: Tokenizer, language: string): string {
  if (text === text.toUpperCase()) return text;
  const marked = text.replace(NAMES, (found: string, start: number) => {
    const runs: {unknown: boolean; words: string[]}[] = [];
    for (const word of found.split(' ')) {
      const unknown = isUnknown(text, start, word, tokenizer, language);
      start += word.length + 1;
      const last = runs.at(-1);
      if (last?.unknown === unknown) last.words.push(word);
      else runs.push({unknown, words: [word]});
    }
    return runs.map(({unknown, words}) => {
      const run = words.join(' ');
      return unknown ? BEGIN + run + BETWEEN + run + END : run;
    }).join(' ');
  });
  return formOf(marked).left ? text : marked;
}

function isUnknown(
  text: string, start: number, word: string, tokenizer: Tokenizer, language: string,
): boolean {
  const size = [...word].length;
  if (!UPPER.test(word) || size < 2 || !NOT_UPPER.test(word)) return false;
  const small = word.toLowerCase();
  const count = tokenizer.encode(small).length;
  if (count < 2 || TRANSLATED.get(language)?.has(small)) return false;
  const before = text.slice(0, start);
  if (TITLE.test(before)) return true;
  if (language === 'de') return count > 2 && size <= 2 * count;
  // A sentence's first word has a capital anyway.
  return !STARTS.test(before) || FOLLOWED.test(text.slice(start + word.length));
}

/** The translation of a marked text, without braces; with a capital if that began with a name. */
export function translated(text: string, marked: string): string {
  const written = text.replace(TERM, '$1');
  if (!marked.startsWith(BEGIN) || !UPPER.test(marked.slice(BEGIN.length))) return written;
  const [first = ''] = written;
  return first.toUpperCase() + written.slice(first.length);
}
