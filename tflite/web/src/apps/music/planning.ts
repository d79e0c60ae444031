/** Pieces whose notes are still to be found; see apps/music/planning.py. */
import {metre, modulo, notesOf} from './piece';
import type {Piece} from './piece';
import {RANGES} from './rules';

const PHRASE = 44; // 16ths: between two bars of 4/4 and four of 3/4
export const METRES: Record<string, {bar: number; phrase: number; upbeat: number}> = {
  '4/4': {bar: 16, phrase: 2, upbeat: 1},
  '3/4': {bar: 12, phrase: 4, upbeat: 0},
};

/** An empty piece: metre, key, and a fermata at the end of every phrase. */
export function plan(
  bars: number, key: [number, number], barLength = 16, phrase = 2, upbeat = 0,
): Piece {
  const steps = bars * barLength;
  const grid = metre(steps, barLength, upbeat);
  const ends = [];
  for (let end = phrase * barLength; end < steps; end += phrase * barLength) ends.push(end);
  return {
    pitches: Array.from({length: steps}, () => [-1, -1, -1, -1]),
    strikes: Array.from({length: steps}, () => [false, false, false, false]),
    ...grid,
    fermata: fermatas(grid.position, barLength, [...ends, steps]),
    tonic: key[0],
    mode: key[1],
  };
}

/** Where a phrase rests: from the last accent before each of its ends. */
function fermatas(position: number[], barLength: number, ends: number[], beat = 4): boolean[] {
  const last = beat % 3 || barLength > 2 * beat ? 2 * beat : beat;
  const accents = [0, barLength % (2 * beat) === 0 ? barLength - last : 0];
  const rest = position.map(() => false);
  for (const end of ends) {
    let start = end - 1;
    while (start > 0 && !accents.includes(position[start])) start--;
    rest.fill(true, Math.max(start, 0), end);
  }
  return rest;
}

/** How many octaves up bring most of a melody into the soprano's range; the fewest that do. */
function octavesToSoprano(pitches: number[]): number {
  const [low, high] = RANGES[0];
  const heard = pitches.filter((p) => p >= 0);
  const cost = (octaves: number) =>
    heard.filter((p) => p + 12 * octaves < low || p + 12 * octaves > high).length;
  let best = -5;
  for (let octaves = -4; octaves <= 5; octaves++) {
    const [a, b] = [cost(octaves), cost(best)];
    if (a < b || (a === b && Math.abs(octaves) < Math.abs(best))) best = octaves;
  }
  return best;
}

/** Where the phrases of a melody probably end: true for the whole last note. */
function phraseEnds(melody: Piece): boolean[] {
  const found = notesOf(melody, 0);
  const sung = found.filter(([, , midi]) => midi >= 0);
  const barLength = Math.max(melody.barLength[0], 0) || 16;
  const fermata = melody.pitches.map(() => false);
  for (const k of [...likelyEnds(melody, sung, barLength), sung.length - 1]) {
    fermata.fill(true, sung[k][0], sung[k][1]);
  }
  return fermata;
}

/** Indices of the notes that end phrases, the best sequence by dynamic programming. */
function likelyEnds(melody: Piece, sung: [number, number, number][], barLength: number): number[] {
  const usual = quantile(sung.map(([start, end]) => end - start), 0.75);
  const best: [number, number][] = [[0, -1]]; // score, index of the end before; -1 is none
  sung.forEach(([start, end], k) => {
    const rest = k + 1 < sung.length ? sung[k + 1][0] - end : 0;
    let gain = Math.min(2, Math.max(-1, Math.log2((end - start) / usual)));
    gain += (melody.pauses?.get(end) ?? 0) + Math.min(rest, 4) * 0.75;
    let chosen: [number, number] = [-Infinity, -1];
    for (let before = -1; before < k; before++) {
      const length = end + (rest < 4 ? rest : 0) - sung[before + 1][0];
      let cost = Math.min(2, Math.abs(Math.log2(length / PHRASE)));
      cost += Math.min(length % barLength, modulo(-length, barLength)) / barLength;
      const score = best[before + 1][0] + gain - cost;
      if (score >= chosen[0]) chosen = [score, before]; // of equals the latest, as max of tuples
    }
    best.push(chosen);
  });
  const ends: number[] = [];
  for (let k = sung.length - 1; k >= 0; k = best[k + 1][1]) ends.push(k);
  return ends;
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** A melody as a plan: in the soprano's range, with a metre, a key and fermatas. */
export function planHarmony(melody: Piece, key?: [number, number]): Piece {
  const octaves = octavesToSoprano(melody.pitches.map((row) => row[0]));
  const pitches = melody.pitches.map((row) => row.map((p) => (p < 0 ? -1 : p + 12 * octaves)));
  const outline: Piece = {...melody, pitches};
  if (key) [outline.tonic, outline.mode] = key;
  if (outline.position[0] < 0) Object.assign(outline, metre(pitches.length), {unit: undefined});
  if (!outline.fermata.some(Boolean)) outline.fermata = phraseEnds(outline);
  return outline;
}
