/** A sentence as a model that lifts reads and writes it; see apps/translation/lifting.py. */
import * as casing from '../../shared/text/casing';
import {normalize, SPACES} from '../../shared/text/normalize';
import * as placeholders from '../../shared/text/placeholders';
import {COUNT, MARKS, SYMBOL, SYMBOLS} from '../../shared/text/placeholders';
import type {Slot} from '../../shared/text/placeholders';

const BEFORE = new RegExp(`^(?:[${MARKS.join('')}] ?)+`);
const AFTER = new RegExp(`(?: ?[${MARKS.join('')}])+$`);
const LIST = new RegExp(
  `^(?:(?:[\\-–—*•·]+|\\(?\\p{Nd}{1,2}\\)|\\(?[A-Za-z]\\)) )?(?:\\[[^\\[\\]]{1,40}\\]:? ?)?(?=[^${SPACES}])`,
  'u',
);

/** A sentence in parts; see `Form` in Python. */
export interface Form {
  text: string;
  slots: Slot[];
  style: casing.Style;
  before: string;
  after: string;
  left: number;
}

/** The parts of a sentence; `finished` of them and their text is the sentence, normalized. */
export function formOf(given: string): Form {
  const text = normalize(given);
  let before = LIST.exec(text)?.[0] ?? '';
  const {text: lifted, slots, left} = placeholders.lift(text.slice(before.length));
  let inner = lifted;
  let after = '';
  const ahead = BEFORE.exec(inner);
  if (ahead) {
    inner = inner.slice(ahead[0].length);
    before += placeholders.restore(`${ahead[0]}x`, slots).slice(0, -1);
  }
  const behind = AFTER.exec(inner);
  if (behind) {
    inner = inner.slice(0, behind.index);
    after = placeholders.restore(`x${behind[0]}`, slots).slice(1);
  }
  const kept = new Set(inner.match(new RegExp(SYMBOL, 'g')) ?? []);
  const lowered = casing.lower(inner);
  const inside = slots.filter((slot) => kept.has(slot.symbol));
  return {text: lowered.text, slots: inside, style: lowered.style, before, after, left};
}

/** The form of a sentence that a model reads as it is. */
export function plainForm(text: string): Form {
  return {text, slots: [], style: {first: true, all: false}, before: '', after: '', left: 0};
}

/** Whether there is no word to translate. */
export function isEmpty(form: Form): boolean {
  return !/\p{L}/u.test(form.text);
}

/** What the model wrote, with all that was lifted out of its source. */
export function finished(form: Form, written: string): string {
  const text = placeholders.restore(casing.restore(written, form.style), form.slots);
  return form.before + text.replace(/^ +| +$/g, '') + form.after;
}

const SHOWN = new Map([
  ...SYMBOLS.map((symbol, k): [string, string] => [
    symbol, `⟨${['number', 'thing', 'mark'][Math.floor(k / COUNT)]} ${(k % COUNT) + 1}⟩`]),
  ...casing.SYMBOLS.map((symbol, k): [string, string] => [symbol, ['⟨Aa⟩', '⟨AA⟩', '⟨|⟩'][k]]),
]);

/** A subword as people can read it. */
export function shown(piece: string): string {
  return Array.from(piece, (c) => SHOWN.get(c) ?? c).join('');
}
