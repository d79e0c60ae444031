/** The rules that know about keys and chords; see apps/music/harmony.py. */
import {estimateKey} from './key';
import {decodeSymbols, modulo, VOICE_ORDER} from './piece';
import type {Piece} from './piece';

export const BEAT = 4;
const [SOPRANO, BASS] = [0, 3];
const ROOTS = [[0, 2, 4, 5, 7, 9], [0, 3, 5, 7, 8, 10]]; // of the chords under fermatas
const [DOMINANT, LEADING, SEVENTH] = [7, 11, 5]; // semitones over the tonic

/** What is known when a note is chosen; -1 is silence, or not chosen yet. */
export interface Moment {
  frame: number;
  voice: number;
  chosen: number[];
  before: number[];
  lastBeat: number[];
  now: number[];
  tonic: number;
}

export class Harmony {
  readonly final: number;
  private readonly known: number;
  private readonly minor: boolean;
  private readonly phraseEnds: Set<number>;

  constructor(outline: Piece, private readonly melody: number[] | null) {
    const steps = outline.pitches.length;
    this.known = outline.tonic;
    this.minor = outline.mode !== 0;
    const starts = outline.fermata.flatMap((on, t) => (on && !outline.fermata[t - 1] ? [t] : []));
    let final = Math.max(0, steps - BEAT);
    if (outline.fermata[steps - 1]) final = starts[starts.length - 1];
    if (melody) {
      const moves = melody.flatMap((p, t) => (t && p !== melody[t - 1] ? [t] : []));
      final = Math.max(final, moves[moves.length - 1] ?? 0);
    }
    this.final = final;
    this.phraseEnds = new Set(starts.filter((start) => start < final - BEAT));
  }

  /** The tonic; where the key is unknown, near the end estimated. */
  tonic(prefix: readonly number[], frame: number): number {
    if (this.known >= 0 || frame < this.final - BEAT) return this.known;
    const rows = Array.from({length: frame}, (_, t) => prefix.slice(4 * t, 4 * t + 4));
    return estimateKey(decodeSymbols(rows, true).pitches)[0];
  }

  opening(moment: Moment, voice: number, pitch: number): boolean {
    if (moment.frame || this.known < 0 || (voice === SOPRANO && this.melody)) return true;
    const third = this.minor ? 3 : 4;
    if (this.melody) {
      const first = this.melody[0];
      if (first < 0 || ![0, third, 7].includes(modulo(first - this.known, 12))) return true;
    }
    return triad(moment, voice, pitch, moment.tonic, [third]);
  }

  phrases(moment: Moment, voice: number, pitch: number): boolean {
    if (!this.phraseEnds.has(moment.frame) || voice === SOPRANO) return true;
    if (voice !== BASS) return triad(moment, voice, pitch, modulo(moment.now[BASS], 12), [3, 4]);
    const above = moment.now[SOPRANO];
    if (above >= 0 && ![0, 3, 4, 7].includes(modulo(above - pitch, 12))) return false;
    return this.known < 0 || ROOTS[Number(this.minor)].includes(modulo(pitch - this.known, 12));
  }

  cadence(moment: Moment, voice: number, pitch: number): boolean {
    const {frame, tonic} = moment;
    if (frame < this.final - BEAT) return true;
    if (frame > this.final) return pitch === moment.before[voice];
    const root = this.lastRoot(tonic);
    if (frame === this.final) {
      if (voice === SOPRANO) {
        return (this.minor ? [0, 3, 4] : [0, 4]).includes(modulo(pitch - tonic, 12));
      }
      const thirds = this.minor ? [3, 4] : [4];
      return root < 0 || triad(moment, voice, pitch, modulo(tonic + root, 12), thirds);
    }
    const late = frame >= this.final - BEAT / 2;
    return !this.prepared(tonic, root) || this.dominant(moment, voice, pitch, late);
  }

  /** Semitones of the last chord's root over the tonic; -1 is free. */
  private lastRoot(tonic: number): number {
    if (!this.melody) return 0;
    const sung = this.melody[this.final];
    const degree = modulo(sung - tonic, 12);
    if (sung < 0) return -1;
    if ((this.minor ? [5, 8] : [5, 9]).includes(degree)) return 5;
    if ([2, LEADING].includes(degree)) return DOMINANT;
    return [1, 6, 8, 9, 10].includes(degree) ? -1 : 0;
  }

  /** Whether the dominant goes before the last chord. */
  private prepared(tonic: number, root: number): boolean {
    if (root !== 0 || !this.melody) return root === 0;
    const sung = this.melody.slice(Math.max(0, this.final - BEAT), this.final);
    const chord = sung.map((p) => [DOMINANT, LEADING, 2, SEVENTH].includes(modulo(p - tonic, 12)));
    return sung.every((p, k) => p >= 0 && (chord[k] || [0, 3, 4].includes(modulo(p - tonic, 12))))
      && chord.slice(-BEAT / 2).every(Boolean);
  }

  private dominant(moment: Moment, voice: number, pitch: number, late: boolean): boolean {
    const degree = modulo(pitch - moment.tonic, 12);
    if (voice === BASS) return degree === DOMINANT;
    if (!late) return degree !== LEADING - 1;
    const heard = degrees(moment, moment.tonic);
    const leading = heard.includes(LEADING);
    if (degree === LEADING) return !leading;
    const other = degree === DOMINANT || degree === 2
      || (degree === SEVENTH && !heard.includes(SEVENTH));
    return other && (leading || !completes(moment, voice));
  }
}

/** Semitones of the chosen notes over a root, else -1. */
function degrees(moment: Moment, root: number): number[] {
  return moment.now.map((p) => (p >= 0 ? modulo(p - root, 12) : -1));
}

/** Notes of a triad in root position; the voice that completes it sees to its third. */
function triad(moment: Moment, voice: number, pitch: number, root: number, thirds: number[]): boolean {
  const degree = modulo(pitch - root, 12);
  if (voice === BASS) return degree === 0;
  const heard = degrees(moment, root);
  if (degree === 0 || degree === 7) {
    return !completes(moment, voice) || thirds.some((third) => heard.includes(third));
  }
  return thirds.includes(degree) && !thirds.some((third) => third !== degree && heard.includes(third));
}

/** Whether it is this voice's turn, and the last of the chord. */
function completes(moment: Moment, voice: number): boolean {
  return voice === moment.voice && moment.chosen.length === VOICE_ORDER.length - 1;
}
