/** Rules of four-part writing, enforced during decoding; see apps/music/rules.py. */
import {BEAT, Harmony} from './harmony';
import type {Moment} from './harmony';
import {beatsOf, HIGHEST, HOLD, LOWEST, PITCH, VOCABULARY, VOICE_ORDER} from './piece';
import type {Piece} from './piece';

/** The names of all rules, the most important first. */
export const RULES = [
  'silence', 'ranges', 'crossing', 'cadence', 'parallels', 'spacing', 'opening', 'phrases',
  'leaps', 'overlap', 'beats',
] as const;
export type Rule = (typeof RULES)[number];

/** Lowest and highest pitch of soprano, alto, tenor and bass. */
export const RANGES = [[60, 81], [53, 74], [48, 69], [38, 64]];
const SPACING = [12, 12, 24];
const LEAST: Partial<Record<Rule, number>> = {opening: 0, cadence: 0, overlap: 0.2, beats: 0.2};
const least = (name: Rule): number => LEAST[name] ?? 1e-3;
const CANDIDATES = [-1, ...Array.from({length: HIGHEST - LOWEST + 1}, (_, k) => LOWEST + k)];

export class Rules {
  private readonly names: Rule[];
  private readonly melody: number[] | null;
  private readonly harmony: Harmony;
  private readonly onBeat: boolean[];
  private readonly compound: boolean[];

  constructor(outline: Piece, names: readonly Rule[], melody: boolean) {
    this.names = RULES.filter((name) => names.includes(name));
    this.melody = melody ? outline.pitches.map((row) => row[0]) : null;
    this.harmony = new Harmony(outline, this.melody);
    const index = outline.position.map((p, t) => (p >= 0 ? p : t));
    const beats = beatsOf(outline);
    this.onBeat = index.map((p) => p % BEAT === 0);
    this.compound = index.map((p, t) => beats[t] % 3 === 0 && p % beats[t] === 0);
  }

  /** Masks symbols that break the rules, in place. */
  apply(prefix: readonly number[], values: Float32Array): void {
    const frame = Math.floor(prefix.length / 4);
    const place = prefix.length % 4;
    if (!this.names.length || (this.melody && place === 0)) return;
    const moment = this.moment(prefix, frame, place);
    const probabilities = values.map((v) => Math.exp(v));
    let allowed = this.symbols(moment, new Set(this.names));
    const left = share(probabilities, allowed) / share(probabilities);
    if (left <= Math.max(...this.names.map(least))) {
      allowed = this.oneByOne(moment, probabilities);
    }
    allowed.forEach((fine, symbol) => {
      if (!fine) values[symbol] = -Infinity;
    });
    if (this.compound[frame] && frame > 0 && frame < this.harmony.final) {
      // In 6/8 and its like, what began between beats ends with them: no hemiolas.
      let onset = frame - 1;
      while (onset > 0 && prefix[4 * onset + place] === HOLD) onset--;
      if (prefix[4 * onset + place] === HOLD) onset = frame - 1;
      const others = values.some((v, symbol) => symbol !== HOLD && v > -Infinity);
      if (others && !this.compound[onset]) values[HOLD] = -Infinity;
    }
  }

  /** Skips each rule that would leave too little of the probability. */
  private oneByOne(moment: Moment, probabilities: Float32Array): boolean[] {
    let allowed = new Array<boolean>(VOCABULARY).fill(true);
    const kept = new Set<Rule>();
    for (const name of this.names) {
      const trial = this.symbols(moment, new Set([...kept, name]));
      if (share(probabilities, trial) > least(name) * share(probabilities, allowed)) {
        kept.add(name);
        allowed = trial;
      }
    }
    return allowed;
  }

  private moment(prefix: readonly number[], frame: number, place: number): Moment {
    const before = frame ? sounding(prefix, frame) : [-1, -1, -1, -1];
    const beat = frame >= BEAT && this.onBeat[frame];
    const lastBeat = beat ? sounding(prefix, frame - BEAT + 1) : [-1, -1, -1, -1];
    const now = [-1, -1, -1, -1];
    for (let k = 0; k < place; k++) {
      const voice = VOICE_ORDER[k];
      const symbol = prefix[4 * frame + k];
      now[voice] = symbol === HOLD ? before[voice] : pitchOf(symbol);
    }
    const tonic = this.harmony.tonic(prefix, frame);
    const chosen = VOICE_ORDER.slice(0, place);
    return {frame, voice: VOICE_ORDER[place], chosen, before, lastBeat, now, tonic};
  }

  /** Which symbols keep the rules. */
  private symbols(moment: Moment, names: Set<Rule>): boolean[] {
    const allowed = this.candidates(moment, names);
    const result = new Array<boolean>(VOCABULARY).fill(allowed[0]); // all but notes are silent
    for (let k = 1; k < allowed.length; k++) result[PITCH + k - 1] = allowed[k];
    const held = moment.before[moment.voice];
    result[HOLD] = allowed[held >= 0 ? held - LOWEST + 1 : 0];
    return result;
  }

  private candidates(moment: Moment, names: Set<Rule>): boolean[] {
    let result = this.besideChosen(moment, moment.voice, names);
    for (const other of VOICE_ORDER.slice(moment.chosen.length + 1)) {
      const theirs = this.besideChosen(moment, other, names);
      const left = CANDIDATES.filter((_, k) => theirs[k]);
      result = result.map((fine, k) =>
        fine && left.some((pitch) => pair(moment, moment.voice, other, CANDIDATES[k], pitch, names)));
    }
    return result;
  }

  private besideChosen(moment: Moment, voice: number, names: Set<Rule>): boolean[] {
    return CANDIDATES.map((pitch) => this.alone(moment, voice, pitch, names)
      && moment.chosen.every((other) => pair(moment, voice, other, pitch, moment.now[other], names)));
  }

  /** The rules of a single voice. */
  private alone(moment: Moment, voice: number, pitch: number, names: Set<Rule>): boolean {
    if (pitch < 0) {
      return (this.melody !== null && this.melody[moment.frame] < 0) || !names.has('silence');
    }
    const before = moment.before[voice];
    if (names.has('ranges') && (pitch < RANGES[voice][0] || pitch > RANGES[voice][1])) return false;
    if (names.has('leaps') && before >= 0) {
      const leap = Math.abs(pitch - before);
      if (leap === 10 || leap === 11 || leap > 12) return false;
    }
    return (!names.has('opening') || this.harmony.opening(moment, voice, pitch))
      && (!names.has('phrases') || this.harmony.phrases(moment, voice, pitch))
      && (!names.has('cadence') || this.harmony.cadence(moment, voice, pitch));
  }
}

/** The rules of two voices. */
function pair(
  moment: Moment, voice: number, other: number, mine: number, theirs: number, names: Set<Rule>,
): boolean {
  if (mine < 0 || theirs < 0) return true;
  const [upper, lower] = voice < other ? [mine, theirs] : [theirs, mine];
  const [high, low] = voice < other ? [voice, other] : [other, voice];
  const [wasUpper, wasLower] = [moment.before[high], moment.before[low]];
  if (names.has('crossing') && upper < lower) return false;
  if (names.has('parallels') && consecutive(wasUpper, wasLower, upper, lower)) return false;
  if (names.has('beats')
    && consecutive(moment.lastBeat[high], moment.lastBeat[low], upper, lower)) return false;
  if (low !== high + 1) return true;
  if (names.has('spacing') && upper - lower > SPACING[high]) return false;
  return !names.has('overlap')
    || ((wasUpper < 0 || lower <= wasUpper) && (wasLower < 0 || upper >= wasLower));
}

/** Whether two voices move in parallel fifths, octaves or unisons. */
export function consecutive(
  upper: number, lower: number, nextUpper: number, nextLower: number,
): boolean {
  if (Math.min(upper, lower, nextUpper, nextLower) < 0) return false;
  const [before, after] = [Math.abs(upper - lower) % 12, Math.abs(nextUpper - nextLower) % 12];
  return upper !== nextUpper && lower !== nextLower && before === after
    && (after === 0 || after === 7);
}

function pitchOf(symbol: number): number {
  return symbol >= PITCH ? symbol - PITCH + LOWEST : -1;
}

/** The pitches after whole frames, from the soprano down; -1 is silence. */
function sounding(prefix: readonly number[], frames: number): number[] {
  const result = [-1, -1, -1, -1];
  VOICE_ORDER.forEach((voice, place) => {
    let frame = frames - 1;
    while (frame >= 0 && prefix[4 * frame + place] === HOLD) frame--;
    if (frame >= 0) result[voice] = pitchOf(prefix[4 * frame + place]);
  });
  return result;
}

function share(probabilities: Float32Array, allowed?: boolean[]): number {
  let sum = 0;
  probabilities.forEach((p, k) => (sum += !allowed || allowed[k] ? p : 0));
  return sum;
}

