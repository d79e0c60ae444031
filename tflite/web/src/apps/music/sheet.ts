/** What a file of music says, and its melody as a piece; see apps/music/sheet.py. */
import {InputError} from '../../shared/errors';
import {estimateKey} from './key';
import {changes, modulo} from './piece';
import type {Piece} from './piece';

/** Times are in 16ths and need not be whole. */
export interface Note {
  start: number;
  end: number;
  midi: number;
  struck: boolean; // false continues a tied note
  fermata: boolean;
  pause: number; // how much speaks for the end of a phrase after it
}

export interface Part {
  name: string;
  notes: Note[];
}

/** A bar of `length` 16ths; its time signature says it should be `full`. */
export interface Bar {
  start: number;
  length: number;
  full: number;
  unit: number;
}

export interface Sheet {
  parts: Part[];
  bars: Bar[];
  key: [number, number] | null;
  signature: number | null;
  title: string;
  tempo: number;
}

const MELODY = /sopran|melod|tune|vocal|voice|cantus|discant|treble|lead|^s\.?$/i;
const BELOW = 12; // semitones under the highest part, on average: no melody

/** The melody of a sheet: the highest notes of one part, as a soprano. */
export function melodyOf(sheet: Sheet): Piece {
  const parts = sheet.parts.filter((part) => part.notes.length);
  if (!parts.length) throw new InputError('no notes in it');
  const part = choose(parts);
  const notes = onGrid(part);
  const off = part.notes.filter((n) => beside(n.start) || beside(n.end));
  if (off.length) {
    throw new InputError(`${off.length} of ${part.notes.length} notes are off the grid of 16ths: `
      + 'triplets, 32nds or free timing; quantize them, or double all note values');
  }
  if (!notes.length) throw new InputError('a part has no notes as long as a 16th');
  const {start} = notes[0]; // silence before the music is left out
  const steps = Math.max(...notes.map((note) => note.end));
  const pitches = Array.from({length: steps}, () => [-1, -1, -1, -1]);
  const strikes = pitches.map(() => [false, false, false, false]);
  const fermata = pitches.map(() => false);
  const pauses = new Map<number, number>();
  for (const note of notes) {
    for (let t = note.start; t < note.end; t++) pitches[t][0] = note.midi;
    strikes[note.start][0] = note.struck;
    if (note.fermata) fermata.fill(true, note.start, note.end);
    if (note.pause) pauses.set(note.end - start, note.pause);
  }
  const [tonic, mode] = sheet.key ?? estimateKey(pitches, sheet.signature, 0.25);
  const changed = changes(pitches);
  strikes.forEach((row, t) => (row[0] = (row[0] && pitches[t][0] >= 0) || changed[t][0]));
  const {position, length, unit} = metreOf(sheet.bars, steps);
  return {
    pitches: pitches.slice(start),
    strikes: strikes.slice(start),
    position: position.slice(start),
    barLength: length.slice(start),
    fermata: fermata.slice(start),
    tonic,
    mode,
    unit: unit.slice(start),
    pauses,
    title: sheet.title,
    tempo: sheet.tempo,
  };
}

function choose(parts: Part[]): Part {
  const mean = ({notes}: Part) => {
    const time = notes.reduce((sum, n) => sum + n.end - n.start, 0);
    return notes.reduce((sum, n) => sum + n.midi * (n.end - n.start), 0) / Math.max(time, 1e-9);
  };
  const highest = Math.max(...parts.map(mean));
  return parts.find((part) => MELODY.test(part.name))
    ?? parts.find((part) => mean(part) >= highest - BELOW)!;
}

function beside(time: number): boolean {
  return Math.abs(time - Math.round(time)) > 1e-3;
}

/** The highest notes moved to the grid, tied ones joined. */
function onGrid(part: Part): Note[] {
  const found: Note[] = [];
  for (const given of part.notes) {
    const note = {...given, start: Math.floor(given.start + 0.5), end: Math.floor(given.end + 0.5)};
    if (note.end <= note.start) continue; // an ornament shorter than the grid
    let last = found[found.length - 1];
    if (last && last.start < note.start && note.start === last.end - 1) last.end = note.start;
    if (last && note.start < last.end) {
      if (note.midi <= last.midi) continue;
      if (note.start === last.start) found.pop();
      else last.end = note.start;
      last = found[found.length - 1];
    }
    if (!note.struck && last && last.midi === note.midi && last.end === note.start) {
      last.end = note.end;
      last.fermata ||= note.fermata;
      last.pause = Math.max(last.pause, note.pause);
    } else {
      found.push({...note, struck: true});
    }
  }
  return found;
}

/** Position, bar length and unit of each step; the first two are -1 where there are no bars. */
function metreOf(bars: Bar[], steps: number) {
  const position = new Array<number>(steps).fill(-1);
  const length = new Array<number>(steps).fill(-1);
  const unit = new Array<number>(steps).fill(1);
  let filled = 0; // of a bar that was left incomplete
  bars.forEach((bar, index) => {
    const [start, own, {full}] = [Math.round(bar.start), Math.round(bar.length), bar];
    let late = filled + own <= full ? filled : 0;
    if (index === 0 && own < full) late = full - own;
    for (let t = start; t < Math.min(start + own, steps); t++) {
      position[t] = modulo(late + t - start, full);
      length[t] = full;
      unit[t] = bar.unit;
    }
    filled = own < full ? (late + own) % full : 0;
  });
  return {position, length, unit};
}
