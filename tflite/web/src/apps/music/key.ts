/** Keys; see apps/music/key.py. */
import type {Pitches} from './piece';
import {modulo} from './piece';

export const TONICS = [
  ['C', 'Db', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'],
  ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'G#', 'A', 'Bb', 'B'],
];
const STEPS = 'FCGDAEB'; // the line of fifths
// Krumhansl and Kessler 1982: how well each degree fits a key.
const PROFILES = [
  [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
  [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
];

function fifths(name: string): number {
  const count = (sign: string) => name.split(sign).length - 1;
  return STEPS.indexOf(name[0]) - 1 + 7 * (count('#') - count('b'));
}

/** The number of sharps in the signature, negative for flats. */
export function sharps(tonic: number, mode: number): number {
  return fifths(TONICS[mode][tonic]) - 3 * mode;
}

/** The key of a piece: Krumhansl's correlation, with a bonus for the last note and the signature. */
export function estimateKey(
  pitches: Pitches,
  signature: number | null = null,
  weight = 0.1,
): [number, number] {
  const time = new Array<number>(12).fill(0);
  let final = -1;
  for (const row of pitches) {
    const heard = row.filter((p) => p >= 0);
    for (const pitch of heard) time[pitch % 12]++;
    if (heard.length) final = Math.min(...heard) % 12;
  }
  let best = -Infinity;
  let choice: [number, number] = [-1, -1];
  if (final < 0) return choice;
  const varied = time.some((t) => t !== time[0]);
  PROFILES.forEach((profile, mode) => {
    for (let tonic = 0; tonic < 12; tonic++) {
      const moved = profile.map((_, k) => profile[modulo(k - tonic, 12)]);
      let score = varied ? correlation(time, moved) : 0;
      if (final === tonic) score += 0.2;
      if (signature !== null) {
        score += weight * Math.max(0, 2 - Math.abs(sharps(tonic, mode) - signature));
      }
      if (score > best) {
        best = score;
        choice = [tonic, mode];
      }
    }
  });
  return choice;
}

function correlation(a: number[], b: number[]): number {
  const mean = (v: number[]) => v.reduce((sum, x) => sum + x, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, k) => {
    ab += (x - ma) * (b[k] - mb);
    aa += (x - ma) ** 2;
    bb += (b[k] - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}
