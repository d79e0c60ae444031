/** Decoding so that each placeholder of the source comes once; see apps/translation/placing.py. */
import type {Constraint} from '../../shared/decoding/options';
import {SYMBOLS} from '../../shared/text/placeholders';
import type {Slot} from '../../shared/text/placeholders';
import {END, SPACE} from '../../shared/text/tokenizer';
import type {Tokenizer} from '../../shared/text/tokenizer';

export class Placing {
  private readonly symbol: Int32Array; // by id the placeholder that it is, or -1
  private readonly ids: number[];
  private readonly digits: number[];

  constructor(tokenizer: Tokenizer) {
    const all = Array.from({length: tokenizer.vocabulary}, (_, id) => id);
    const bare = tokenizer.pieces(all).map((p) => (p.startsWith(SPACE) ? p.slice(1) : p));
    this.symbol = Int32Array.from(bare, (piece) => SYMBOLS.indexOf(piece));
    this.ids = all.filter((id) => this.symbol[id] >= 0);
    this.digits = all.filter((id) => /\p{Nd}/u.test(bare[id]) && !bare[id].startsWith('<0x'));
  }

  constraint(slots: readonly Slot[], maxLength: number): Constraint {
    const wanted = new Set(slots.map((slot) => SYMBOLS.indexOf(slot.symbol)));
    return (prefix, values) => {
      const missing = new Set(wanted);
      for (const id of prefix) missing.delete(this.symbol[id]);
      const placed = this.ids.map((id) => (missing.has(this.symbol[id]) ? values[id] : -Infinity));
      for (const id of this.digits) values[id] = -Infinity;
      this.ids.forEach((id, k) => (values[id] = placed[k]));
      let best = 0;
      for (let id = 1; id < values.length; id++) if (values[id] > values[best]) best = id;
      if (!missing.size) return;
      if (best === END || missing.size >= maxLength - prefix.length - 1) {
        values.fill(-Infinity);
        this.ids.forEach((id, k) => (values[id] = placed[k]));
      }
      values[END] = -Infinity;
    };
  }
}
