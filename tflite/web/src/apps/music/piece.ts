/** A four-part piece on a grid of 16th notes; see apps/music/piece.py. */
export const SILENCE = 0;
export const START = 1;
export const END = 2;
export const HOLD = 3;
export const PITCH = 4;
export const LOWEST = 36;
export const HIGHEST = 81;
export const VOCABULARY = PITCH + HIGHEST - LOWEST + 1;
const AGES = 32;
/** Soprano, bass, alto, tenor: the order in which a model writes them. */
export const VOICE_ORDER = [0, 3, 1, 2];
export const VOICES = ['soprano', 'alto', 'tenor', 'bass'];

/** Of each step four MIDI pitches, -1 is silence. */
export type Pitches = number[][];

export interface Piece {
  pitches: Pitches;
  strikes: boolean[][];
  position: number[]; // 16ths since the bar line, -1 unknown
  barLength: number[];
  fermata: boolean[];
  tonic: number; // -1 unknown
  mode: number; // 0 major, 1 minor, -1 unknown
  unit?: number[];
  title?: string;
  tempo?: number;
  pauses?: Map<number, number>; // what speaks for the end of a phrase, by the step after a note
}

/** The note that the time signature counts, in 16ths, of each step. */
export function unitsOf(piece: Piece): number[] {
  return piece.unit ?? piece.barLength.map((length) =>
    length === 24 ? 8 : length % 4 === 0 ? 4 : length % 2 === 0 ? 2 : 1);
}

/** The beat of each step, in 16ths: a dotted one in 6/8 and its like. */
export function beatsOf(piece: Piece): number[] {
  return unitsOf(piece).map((unit, t) => {
    const length = piece.barLength[t];
    const three = 3 * unit;
    return length > three && length % three === 0 && unit <= 4 ? three : Math.max(unit, 4);
  });
}

/** Whether each voice changes its pitch or enters. */
export function changes(pitches: Pitches): boolean[][] {
  return pitches.map((row, t) => row.map((p, v) => p >= 0 && p !== (t ? pitches[t - 1][v] : -1)));
}

/** The metre of `steps` 16ths after an upbeat. */
export function metre(steps: number, barLength = 16, pickup = 0) {
  const position = Array.from({length: steps}, (_, t) => modulo(t - pickup, barLength));
  return {position, barLength: Array.from({length: steps}, () => barLength)};
}

export function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

/** Notes and rests of a voice as start, end and pitch. */
export function notesOf(piece: Piece, voice: number): [number, number, number][] {
  const starts: number[] = [];
  piece.pitches.forEach((row, t) => {
    const before = t ? piece.pitches[t - 1][voice] : -2;
    if (piece.strikes[t][voice] || row[voice] !== before) starts.push(t);
  });
  return starts.map((start, k) =>
    [start, starts[k + 1] ?? piece.pitches.length, piece.pitches[start][voice]]);
}

/** Symbols of each step, voices in `VOICE_ORDER`; with holds a note is its pitch, then `HOLD`. */
export function encodePiece(piece: Piece, holds: boolean): number[][] {
  return piece.pitches.map((row, t) => VOICE_ORDER.map((voice) => {
    const pitch = row[voice];
    if (pitch < 0) return SILENCE;
    return holds && !piece.strikes[t][voice] ? HOLD : pitch - LOWEST + PITCH;
  }));
}

/** For how many steps each voice's note has sounded. */
export function agesOf(symbols: number[][], holds: boolean): number[][] {
  const began = [0, 0, 0, 0];
  return symbols.map((row, t) => row.map((symbol, v) => {
    const same = symbol === (t ? symbols[t - 1][v] : START);
    const on = symbol === HOLD || (same && (symbol === SILENCE || !holds));
    if (!on) began[v] = t;
    return Math.min(t - began[v], AGES - 1);
  }));
}

/** Pitches and strikes of symbols. */
export function decodeSymbols(symbols: number[][], holds: boolean) {
  const pitches: Pitches = [];
  for (const row of symbols) {
    if (row[0] === END) break;
    const before = pitches[pitches.length - 1] ?? [-1, -1, -1, -1];
    const now = [-1, -1, -1, -1];
    row.forEach((symbol, place) => {
      const voice = VOICE_ORDER[place];
      if (symbol >= PITCH) now[voice] = symbol - PITCH + LOWEST;
      else if (holds && symbol === HOLD) now[voice] = before[voice];
    });
    pitches.push(now);
  }
  const strikes = changes(pitches);
  if (holds) {
    strikes.forEach((row, t) => symbols[t].forEach((symbol, place) => {
      row[VOICE_ORDER[place]] ||= symbol >= PITCH;
    }));
  }
  return {pitches, strikes};
}

/** Of each step: position, phase, fermata, steps to the next fermata, tonic, mode, last bar. */
export function features(piece: Piece): number[][] {
  const steps = piece.pitches.length;
  const last = Math.max(0, piece.position.lastIndexOf(0));
  let wait = 31;
  const rows: number[][] = [];
  for (let t = steps - 1; t >= 0; t--) {
    wait = piece.fermata[t] ? 0 : Math.min(wait + 1, 31);
    const position = piece.position[t];
    rows.unshift([
      position < 0 || position > 23 ? 24 : position,
      t % 16,
      Number(piece.fermata[t]),
      wait,
      piece.tonic >= 0 ? piece.tonic % 12 : 12,
      piece.mode >= 0 ? piece.mode : 2,
      position < 0 ? 2 : Number(t >= last),
    ]);
  }
  return rows;
}
