/** Plays a piece with Web Audio: an organ flute for each note. */
import {notesOf} from '../apps/music/piece';
import type {Piece} from '../apps/music/piece';

const PARTIALS = [0, 1, 0.45, 0.22, 0.12, 0.06, 0.03];
const LOUDNESS = [1, 0.75, 0.8, 1.1]; // of the voices
const [ATTACK, RELEASE] = [0.025, 0.12];

export class Player {
  private context: AudioContext | undefined;
  private playing: {gain: GainNode; begun: number; step: number; steps: number} | undefined;

  /** Plays from the beginning; begin only when the user asked for sound. */
  play(piece: Piece, tempo: number): void {
    this.stop();
    this.context ??= new AudioContext();
    const context = this.context;
    void context.resume();
    const step = 15 / tempo; // seconds in a 16th
    const begun = context.currentTime + 0.1;
    const gain = new GainNode(context, {gain: 0.16});
    gain.connect(context.destination);
    const wave = context.createPeriodicWave(new Float32Array(PARTIALS.length), Float32Array.from(PARTIALS));
    LOUDNESS.forEach((loudness, voice) => {
      for (const [start, end, midi] of notesOf(piece, voice)) {
        if (midi < 0) continue;
        const [from, until] = [begun + start * step, begun + end * step];
        const tone = new OscillatorNode(context, {frequency: 440 * 2 ** ((midi - 69) / 12)});
        tone.setPeriodicWave(wave);
        const level = new GainNode(context, {gain: 0});
        level.gain.setValueAtTime(0, from);
        level.gain.linearRampToValueAtTime(loudness, from + ATTACK);
        level.gain.setTargetAtTime(0, until - RELEASE / 4, RELEASE / 3);
        tone.connect(level).connect(gain);
        tone.start(from);
        tone.stop(until + RELEASE);
      }
    });
    this.playing = {gain, begun, step, steps: piece.pitches.length};
  }

  stop(): void {
    this.playing?.gain.disconnect();
    this.playing = undefined;
  }

  /** The 16th that sounds, with a fraction; -1 if nothing does. */
  get place(): number {
    if (!this.playing || !this.context) return -1;
    const {begun, step, steps} = this.playing;
    const place = (this.context.currentTime - begun) / step;
    if (place > steps) this.stop();
    return place > steps ? -1 : Math.max(0, place);
  }
}
