/** Text as symbols, points as strokes; see apps/handwriting/ink.py, config.py and spelling.py. */
import type {Point} from '../../shared/decoding/mixture';
import {InputError} from '../../shared/errors';

export const KINDS = ['printed', 'cursive', 'mixed'];

/** Points with x to the right. */
export type Stroke = [number, number][];

/** Names of all styles: any, any of each kind, then the writers. */
export function styleNames(styles: readonly string[]): string[] {
  const counts = new Map<string, number>();
  const names = ['any', ...KINDS];
  for (const kind of styles) {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    names.push(`${kind || 'hand'}-${count}`);
  }
  return names;
}

/** Encodes a text of printable ASCII. */
export function symbols(text: string): number[] {
  const strange = [...new Set(text)].filter((c) => c < ' ' || c > '~');
  if (strange.length) throw new InputError(`cannot write ${strange.join(' ')}: printable ASCII only`);
  return Array.from(text, (c) => c.charCodeAt(0) - 31);
}

/** Offsets as strokes, y up. */
export function toStrokes(points: readonly Point[]): Stroke[] {
  const strokes: Stroke[] = [];
  let [x, y] = [0, 0];
  let stroke: Stroke = [];
  for (const [dx, dy, up] of points) {
    x += dx;
    y += dy;
    stroke.push([x, y]);
    if (up > 0.5) {
      strokes.push(stroke);
      stroke = [];
    }
  }
  if (stroke.length) strokes.push(stroke);
  return strokes;
}

const LETTERS =
  'ÆAE æae ŒOE œoe ØO øo ŁL łl ĐD đd ÐD ðd ÞTh þth ßss ẞSS ĦH ħh ıi ĸk ŊNg ŋng ŦT ŧt ƒf əe ƏE';
const SIGNS =
  "‘' ’' ‚, ‛' “\" ”\" „\" ‟\" «\" »\" ‹' ›' ′' ″\" ‴''' ´' ʻ' ʼ' ¨\" ¸, ¯- "
  + '‐- ‑- ‒- –- —- ―- −- ⁃- •- ‣- ·. ‧. ⋅. ∙. †+ ‡++ ‖|| ¦| ⁄/ ∕/ ÷/ ×x ±+/- ¬~ '
  + '→-> ←<- ↔<-> ⇒=> ≤<= ≥>= ≠!= ≈~ ¡! ¿? °deg §Sec. ¶Par. ©(c) ®(R) ‰0/00 µu μu '
  + '€EUR £GBP ¥JPY ¢c ¤$ ₹INR ₽RUB';
const TABLE = new Map(
  `${LETTERS} ${SIGNS}`.split(' ').map((word): [string, string] => [word[0], word.slice(1)]));

/** Replaces accented letters and signs by ASCII; characters without an equivalent stay. */
export function transliterate(text: string): string {
  const spelled = text.replace(/(?<=[0-9])(?=[¼-¾⅐-⅞])/g, ' ').replace(/(?<=[0-9])(?=[²³¹⁰⁴-⁹⁻])/g, '^');
  const translated = (some: string) => Array.from(some, (c) => TABLE.get(c) ?? c).join('');
  const parts = translated(translated(spelled).normalize('NFKD'));
  return parts.replace(/(?!\u0338)[\p{Mn}\p{Cf}]/gu, '');
}
