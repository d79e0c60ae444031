/** The letters that a model writes, the marks to add to them, and a fallback; see spelling.py. */

/** The index of a letter, and what is added to it. */
export type Mark = [number, string];

const MARKS = new Set(
  '\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0326\u0327\u0328');
// A letter and its mark, or two; without a letter a mark is drawn before the next one.
const OTHERS: Record<string, string[]> = {
  ł: ['l', 'bar'], Ł: ['L', 'bar'], ø: ['o', 'slash'], Ø: ['O', 'slash'],
  ß: ['', 'ß'], ẞ: ['B', ''], ı: ['i', 'dotless'], '€': ['C', 'bars'],
  ď: ['d', 'beside'], ť: ['t', 'beside'], ľ: ['l', 'beside'], Ľ: ['L', 'beside'],
  '¿': ['', '¿'], '¡': ['', '¡'], œ: ['o', '', 'e', 'joined'],
  Œ: ['O', '', 'E', 'joined'], æ: ['a', '', 'e', 'joined'], Æ: ['A', '', 'E', 'joined'],
};
const ALIKE =
  "‘' ’' ‛' ʻ' ʼ' ′' ‹' ›' “\" ”\" „\" ‟\" ″\" «\" »\" ‐- ‑- ‒- –- —- ―- −- ⁃- …... ⁄/ ∕/";
const LETTERS =
  'ÆAE æae ŒOE œoe ØO øo ŁL łl ĐD đd ÐD ðd ÞTh þth ßss ẞSS ĦH ħh ıi ĸk ŊNg ŋng ŦT ŧt ƒf əe ƏE';
const SIGNS =
  "‚, ‴''' ´' ¨\" ¸, ¯- •- ‣- ·. ‧. ⋅. ∙. †+ ‡++ ‖|| ¦| ÷/ ×x ±+/- ¬~ "
  + '→-> ←<- ↔<-> ⇒=> ≤<= ≥>= ≠!= ≈~ ¡! ¿? °deg §Sec. ¶Par. ©(c) ®(R) ‰0/00 µu μu '
  + '€EUR £GBP ¥JPY ¢c ¤$ ₹INR ₽RUB';

const table = (words: string) =>
  new Map(words.split(' ').map((word): [string, string] => [word[0], word.slice(1)]));
const TABLE = table(`${LETTERS} ${SIGNS} ${ALIKE}`);
const SAME = table(ALIKE);
const by = (signs: Map<string, string>, text: string) =>
  Array.from(text, (c) => signs.get(c) ?? c).join('');

/** Replaces signs that look the same by hand, and what cannot be written, by those of ASCII. */
export function spell(text: string): string {
  const plain = by(SAME, text.replace(/(?<=[«‹])\s+|\s+(?=[»›])/g, '').normalize('NFC'))
    .replace(/\p{Cf}/gu, '')
    .replace(/[¿¡]+(?!\S)/g, (found) => by(TABLE, found));
  const spaced = plain.replace(/(?<=[0-9])(?=[¼-¾⅐-⅞])/g, ' ').replace(/(?<=[0-9])(?=[²³¹⁰⁴-⁹⁻])/g, '^');
  return Array.from(spaced, (c) => (partsOf(c) ? c : ascii(c))).join('');
}

function ascii(text: string): string {
  return by(TABLE, by(TABLE, text).normalize('NFKD')).replace(/(?!\u0338)[\p{Mn}\p{Cf}]/gu, '');
}

/** The letters of a character and the marks of each; nothing if it is not a letter with marks. */
function partsOf(character: string): string[] | undefined {
  if (character in OTHERS) return OTHERS[character];
  const [letter, ...marks] = character.normalize('NFD');
  const fine = marks.length === 1 && letter >= ' ' && letter <= '~' && MARKS.has(marks[0]);
  return fine ? [letter, marks[0]] : undefined;
}

/** Decomposes letters into those of ASCII and marks; other characters stay. */
export function lettersOf(text: string): {letters: string; marks: Mark[]} {
  let letters = '';
  const marks: Mark[] = [];
  for (const character of text) {
    const parts = partsOf(character) ?? [character, ''];
    for (let k = 0; k < parts.length; k += 2) {
      let [letter, mark] = [parts[k], parts[k + 1]];
      const alone = letters === '' || letters.endsWith(' ');
      if (mark === 'ß' && alone) [letter, mark] = ['B', '']; // it is drawn after another letter
      if (mark) marks.push([letters.length - Number(mark === 'ß'), mark]);
      letters += letter;
    }
  }
  return {letters, marks};
}
