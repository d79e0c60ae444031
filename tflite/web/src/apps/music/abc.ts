/**
 * ABC tunes as a sheet; a subset of apps/music/abc.py.
 *
 * Accidentals, keys, modes, metres, tuplets, chords, ties, voices, repeats and endings are read;
 * decorations other than fermatas and breaths, and lyrics are not.
 */
import {InputError} from '../../shared/errors';
import {modulo} from './piece';
import type {Bar, Note, Part, Sheet} from './sheet';

const ALTER: Record<string, number> = {'^': 1, '^^': 2, _: -1, __: -2, '=': 0};
const SEMITONES: Record<string, number> = {C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11};
const FIFTHS = 'FCGDAEB';
const MODES: Record<string, number> =
  {maj: 0, ion: 0, mix: -1, dor: -2, m: -3, min: -3, aeo: -3, phr: -4, loc: -5, lyd: 1};
const TUPLETS: Record<number, number> = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3};
const BREATH = 3;

const LENGTH = (name: string) => `(?<${name}>\\d*(?:/+\\d*)?)`;
const PITCH = "(?<accidental>\\^{1,2}|_{1,2}|=)?(?<letter>[A-Ga-g])(?<octave>[,']*)";
const TOKEN = new RegExp([
  '\\[(?<field>[A-Za-z]):(?<value>[^\\]]*)\\]',
  '"[^"]*"',
  '!(?<mark>[^!|\\s][^!\\n]*)!',
  '\\{[^}]*\\}',
  '\\((?<tuplet>\\d)(?::(?<inTime>\\d*))?(?::(?<count>\\d*))?',
  '(?<bar>\\[\\|\\]?|:*\\|[|:\\]]*|::+)(?<ending>\\s*\\[?\\d+(?:[,-]\\d+)*)?',
  '\\[(?<partEnding>\\d+(?:[,-]\\d+)*)',
  `\\[(?<chord>[^\\]|\\[]*)\\]${LENGTH('chordLength')}`,
  PITCH + LENGTH('length'),
  `(?<rest>[zx])${LENGTH('restLength')}`,
  '(?<rests>[ZX])(?<restBars>\\d*)',
  '(?<broken>>+|<+)',
  '(?<tie>-)',
  '(?<sign>[.~H-Wh-wJ])',
  '[\\s`$*\\\\);@!]+|\\(|y\\d*',
].join('|'), 'y');
const NOTE = new RegExp(`${PITCH}${LENGTH('length')}(?<tie>-)?`, 'g');

interface Measure {
  notes: Note[];
  length: number;
  full: number;
  unit: number;
  opens: boolean;
  closes: number;
  ending: number[];
}

const measure = (ending: number[] = []): Measure =>
  ({notes: [], length: 0, full: 0, unit: 4, opens: false, closes: 0, ending});

/** A voice as it is read: what holds at this place, and the measures so far. */
class Voice {
  name = '';
  key: Record<string, number> = {};
  unit = 2; // 16ths in the note of length 1
  metre: [number, number] = [16, 4];
  measures = [measure()];
  time = 0;
  altered: Record<string, number> = {};
  tied = new Set<number>();
  last: Note[] = [];
  broken = 1;
  tuplet: [number, number] = [0, 1];
  fermata = false;
}

type Groups = Record<string, string | undefined>;

export function readAbc(text: string): Sheet {
  return new Tune(text).sheet();
}

class Tune {
  private readonly voices = new Map<string, Voice>();
  private readonly start = new Voice();
  private now = this.start;
  private explicitUnit = false;
  private inBody = false;
  private title = '';
  private tempo = 0;
  private key: [number, number] | null = null;
  private signature: number | null = null;

  constructor(text: string) {
    let begun = 0;
    for (const raw of text.split(/\r\n?|\n/)) {
      if (/^X:/.test(raw) && begun++) break; // the first of several tunes is read
      if (!raw.trim() && [...this.voices.values()].some((v) => v.measures.some((m) => m.notes.length))) break;
      const line = raw.replace(/(?<!\\)%.*/, '').trimEnd();
      const field = /^([A-Za-z+]):(?![|:])(.*)/.exec(line);
      if (field) this.field(field[1], field[2].trim());
      else if (line.trim() && this.inBody) this.music(line);
    }
    if (!this.inBody) throw new InputError('it has no field K:, so it holds no tune');
  }

  private field(name: string, value: string): void {
    if (name === 'K') {
      this.keyField(value);
    } else if (name === 'M') {
      this.now.metre = metreOf(value);
      if (!this.inBody && !this.explicitUnit) {
        this.now.unit = this.now.metre[0] > 0 && this.now.metre[0] < 12 ? 1 : 2;
      }
    } else if (name === 'L') {
      const found = /^(\d+)(?:\/(\d+))?/.exec(value);
      if (!found) return;
      this.explicitUnit = true;
      this.now.unit = (16 * Number(found[1])) / (Number(found[2] ?? 1) || 1);
    } else if (name === 'Q') {
      const beats = [...value.matchAll(/(\d+)\/(\d*[1-9])/g)].map((m) => Number(m[1]) / Number(m[2]));
      const count = Number(/(\d+)\s*$/.exec(value.replace(/"[^"]*"/g, ''))?.[1] ?? 0);
      const beat = beats.length ? 4 * beats.reduce((a, b) => a + b) : this.now.unit / 4;
      this.tempo ||= Math.round(count * beat);
    } else if (name === 'V') {
      this.voice(value);
    } else if (name === 'T' && !this.inBody) {
      this.title ||= value;
    }
  }

  private keyField(value: string): void {
    const first = !this.inBody;
    this.inBody = true;
    const [, special, letter, sign, written] =
      /^(HP|Hp|none)?(?:([A-Ga-g])([#b]?))?\s*([A-Za-z]*)/.exec(value)!;
    if (!letter && !special && value) return; // a clef or the like
    let sharps = special === 'HP' || special === 'Hp' ? 2 : 0;
    if (letter) {
      const mode = written === 'M' ? '' : written.toLowerCase();
      const step = MODES[mode === 'm' ? mode : mode.slice(0, 3)] ?? 0;
      const raised = sign === '#' ? 1 : sign === 'b' ? -1 : 0;
      sharps = FIFTHS.indexOf(letter.toUpperCase()) - 1 + 7 * raised + step;
      if (first) this.key = [modulo(SEMITONES[letter.toUpperCase()] + raised, 12), Number(step < -1)];
    }
    if (Math.abs(sharps) > 7) throw new InputError(`its key K:${value} has ${Math.abs(sharps)} accidentals`);
    if (first) this.signature = value ? sharps : null;
    [...FIFTHS].forEach((l, k) => (this.now.key[l] = Math.floor((sharps - k + 6) / 7)));
    for (const [, accidental, l] of ` ${value}`.matchAll(/(?<=\s)(\^{1,2}|_{1,2}|=)([A-Ga-g])/g)) {
      this.now.key[l.toUpperCase()] = ALTER[accidental];
    }
  }

  private voice(value: string): void {
    const name = value.split(/\s+/)[0] ?? '';
    let voice = this.voices.get(name);
    if (!voice) {
      voice = Object.assign(new Voice(), {
        name, key: {...this.start.key}, unit: this.start.unit, metre: this.start.metre});
      this.voices.set(name, voice);
    }
    voice.name = /(?:name|nm)="?([^"]+?)"?(?:\s+\w+=|$|")/.exec(value)?.[1] ?? voice.name;
    if (this.inBody) {
      if (!voice.measures[0].length) Object.assign(voice, {key: {...this.start.key}});
      this.now = voice;
    }
  }

  private music(line: string): void {
    if (!this.voices.size) {
      this.voice('1');
      this.now.name = '';
    }
    if (this.now === this.start) this.voice([...this.voices.keys()][0]);
    for (let place = 0; place < line.length; place = TOKEN.lastIndex) {
      TOKEN.lastIndex = place;
      const found = TOKEN.exec(line);
      if (!found) throw new InputError(`'${line[place]}' is no sign of ABC; correct the tune`);
      this.token(found.groups as Groups);
    }
  }

  private token(token: Groups): void {
    const {now} = this;
    const end = TOKEN.lastIndex; // a field inside may read on
    if (token.field) {
      this.field(token.field, token.value!.trim());
      TOKEN.lastIndex = end;
    } else if (token.mark ?? token.sign) {
      if (/fermata/.test(token.mark ?? '') || token.sign === 'H') now.fermata = true;
      if (/^(breath|\w+phrase)$/.test(token.mark ?? '')) now.last.forEach((n) => (n.pause = BREATH));
    } else if (token.bar !== undefined) {
      this.bar(token.bar, token.ending ?? '');
    } else if (token.partEnding) {
      this.bar('', token.partEnding);
    } else if (token.tuplet) {
      const p = Number(token.tuplet);
      const compound = now.metre[1] === 2 && now.metre[0] % 6 === 0;
      const q = Number(token.inTime) || TUPLETS[p] || (compound ? 3 : 2);
      now.tuplet = [Number(token.count) || p, q / Math.max(p, 1)];
    } else if (token.letter) {
      this.sound([token], token.length!);
    } else if (token.chord !== undefined) {
      const inside = [...token.chord.matchAll(NOTE)].map((m) => m.groups as Groups);
      if (!inside.length) return;
      this.sound(inside, token.chordLength!, lengthOf(inside[0].length!));
      now.last.forEach((note, k) => inside[k].tie && now.tied.add(note.midi));
    } else if (token.rest) {
      this.sound([], token.restLength!);
    } else if (token.rests) {
      this.bar('', '');
      for (let k = 0; k < (Number(token.restBars) || 1); k++) {
        now.time = now.metre[0] || 16;
        this.bar('|', '');
      }
    } else if (token.broken && now.last.length) {
      const more = 0.5 ** token.broken.length;
      const [old, next] = token.broken[0] === '>' ? [2 - more, more] : [more, 2 - more];
      const [{start, end: until}] = now.last;
      for (const note of now.last) note.end = start + (until - start) * old;
      now.time = now.last[0].end;
      now.broken = next;
    } else if (token.tie) {
      now.last.forEach((note) => now.tied.add(note.midi));
    }
  }

  /** Adds a note, a chord, or with no notes a rest. */
  private sound(notes: Groups[], length: string, inner = 1): void {
    const {now} = this;
    const [left, ratio] = now.tuplet;
    const duration = now.unit * lengthOf(length) * inner * now.broken * (left ? ratio : 1);
    now.tuplet = left > 1 ? [left - 1, ratio] : [0, 1];
    now.broken = 1;
    const {tied} = now;
    now.tied = new Set();
    const end = now.time + duration;
    now.last = notes.map((written) => {
      const midi = this.pitch(written, tied);
      return {start: now.time, end, midi, struck: !tied.has(midi), fermata: now.fermata, pause: 0};
    });
    if (notes.length) now.fermata = false;
    const current = now.measures[now.measures.length - 1];
    current.notes.push(...now.last);
    now.time = end;
    current.length = Math.max(current.length, end);
  }

  private pitch(written: Groups, tied: Set<number>): number {
    const {now} = this;
    const upper = written.letter!.toUpperCase();
    const count = (sign: string) => (written.octave ?? '').split(sign).length - 1;
    const natural = 60 + SEMITONES[upper] + (written.letter !== upper ? 12 : 0)
      + 12 * (count("'") - count(','));
    let alter = now.altered[upper] ?? now.key[upper] ?? 0;
    if (written.accidental) {
      alter = now.altered[upper] = ALTER[written.accidental];
    } else if (!(upper in now.altered) && !tied.has(natural + alter)) {
      // A tie carries an accidental over the bar line.
      const held = [...tied].map((midi) => midi - natural).find((by) => Math.abs(by) <= 2);
      alter = held ?? alter;
    }
    return natural + alter;
  }

  private bar(sign: string, ending: string): void {
    const {now} = this;
    let fresh = now.measures[now.measures.length - 1];
    if (fresh.length || now.time) {
      fresh.length = Math.max(fresh.length, now.time);
      [fresh.full, fresh.unit] = now.metre;
      fresh = measure(fresh.ending);
      now.measures.push(fresh);
    }
    Object.assign(now, {time: 0, altered: {}, broken: 1});
    const before = now.measures[now.measures.length - 2];
    if (/\|\||\|\]|\[\||:/.test(sign)) fresh.ending = [];
    if (sign.startsWith(':') && before) {
      const colons = /^:*/.exec(sign)![0].length;
      before.closes = sign.includes('|') ? Math.max(2, colons + 1) : 2;
    }
    if (sign.endsWith(':')) fresh.opens = true;
    const numbers = [...ending.matchAll(/(\d+)(?:-(\d+))?/g)];
    if (numbers.length) {
      fresh.ending = numbers.flatMap(([, a, b]) => {
        const until = Math.min(Number(b ?? a), 99);
        return Array.from({length: until - Number(a) + 1}, (_, k) => Number(a) + k);
      });
    }
  }

  sheet(): Sheet {
    const parts: Part[] = [];
    let bars: Bar[] = [];
    for (const voice of this.voices.values()) {
      this.now = voice;
      this.bar('|', '');
      const played = play(voice.measures.filter((m) => m.length));
      const part: Part = {name: voice.name, notes: []};
      const own: Bar[] = [];
      let at = 0;
      for (const {notes, length, full, unit} of played) {
        const sorted = [...notes].sort((a, b) => a.start - b.start || b.midi - a.midi);
        part.notes.push(...sorted.map((n) => ({...n, start: at + n.start, end: at + n.end})));
        own.push({start: at, length, full, unit});
        at += length;
      }
      if (part.notes.length && !bars.length && played.every((m) => m.full)) bars = own;
      parts.push(part);
    }
    const {key, signature, title, tempo} = this;
    return {parts, bars, key, signature, title, tempo};
  }
}

function metreOf(value: string): [number, number] {
  const found = /^\(?([\d+ ]+)\)?\/(\d+)/.exec(({C: '4/4', 'C|': '2/2'} as Groups)[value] ?? value);
  if (!found) return [0, 4];
  const count = (found[1].match(/\d+/g) ?? []).reduce((sum, n) => sum + Number(n), 0);
  const below = Number(found[2]);
  if (!count || ![1, 2, 4, 8, 16].includes(below)) {
    throw new InputError(`its metre M:${value} does not count in 16ths`);
  }
  return [(count * 16) / below, 16 / below];
}

function lengthOf(text: string): number {
  const [, above, slashes, below] = /^(\d*)(\/*)(\d*)/.exec(text)!;
  return Number(above || 1) / (Number(below) || 2 ** slashes.length);
}

/** The measures as they are played, repeats and endings in their turn; see measures.py. */
function play(measures: Measure[]): Measure[] {
  const played: Measure[] = [];
  let [k, start, turn, inside] = [0, 0, 1, false];
  while (k < measures.length) {
    const now = measures[k];
    if ((now.opens && k > start) || (inside && !now.ending.length)) [start, turn, inside] = [k, 1, false];
    if (now.ending.length) {
      inside = true;
      if (!now.ending.includes(turn)) {
        k++;
        continue;
      }
    }
    played.push(now);
    const endings = section(measures, start).flatMap((m) => m.ending);
    if (now.closes && turn < (endings.length ? Math.max(...endings) : now.closes)) {
      [turn, k, inside] = [turn + 1, start, false];
      continue;
    }
    if (now.closes) [start, turn, inside] = [k + 1, 1, false];
    k++;
  }
  return played;
}

/** The measures from the beginning of a repeat to the end of its last ending. */
function section(measures: Measure[], start: number): Measure[] {
  const found: Measure[] = [];
  let inside = false;
  for (let k = start; k < measures.length; k++) {
    if ((measures[k].opens && k > start) || (inside && !measures[k].ending.length)) break;
    inside ||= measures[k].ending.length > 0;
    found.push(measures[k]);
    if (measures[k].closes && !measures[k + 1]?.ending.length) break;
  }
  return found;
}
