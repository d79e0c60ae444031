/** Piano rolls: of a chorale, and one to draw a melody on. */
import {notesOf, VOICES} from '../apps/music/piece';
import type {Piece} from '../apps/music/piece';
import {color, h} from './dom';
import {t} from './i18n';
import type {Word} from './i18n';

const ROW = 6; // pixels of a semitone
const LEAST_STEP = 5; // pixels of a 16th

/** A chorale as a picture that scrolls with the sound. */
export class Roll {
  private readonly canvas = h('canvas', {role: 'img', 'aria-label': t('roll'), height: 10});
  private readonly scroll = h('div', {className: 'roll', tabIndex: 0}, this.canvas);
  readonly element = h('div', {hidden: true}, this.scroll,
    h('p', {className: 'legend'}, ...VOICES.map((name) => h('span', {className: name}, t(name as Word)))));
  private piece: Piece | undefined;

  show(piece: Piece | undefined, place = -1): void {
    this.piece = piece;
    this.element.hidden = !piece;
    if (!piece) return;
    const steps = piece.pitches.length;
    const step = Math.max(LEAST_STEP, this.scroll.clientWidth / steps);
    const heard = piece.pitches.flat().filter((p) => p >= 0);
    const [low, high] = [Math.min(...heard) - 2, Math.max(...heard) + 2];
    const [width, height] = [steps * step, (high - low + 1) * ROW];
    const ratio = Math.min(devicePixelRatio, 8000 / width);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    [this.canvas.width, this.canvas.height] = [width * ratio, height * ratio];
    const context = this.canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    context.fillStyle = color('--line');
    piece.position.forEach((p, k) => p === 0 && context.fillRect(k * step, 0, 1, height));
    VOICES.forEach((name, voice) => {
      context.fillStyle = color(`--${name}`);
      for (const [start, end, midi] of notesOf(piece, voice)) {
        if (midi < 0) continue;
        context.globalAlpha = place < 0 || (start <= place && place < end) ? 1 : 0.55;
        const y = (high - midi) * ROW;
        context.beginPath();
        context.roundRect(start * step + 0.5, y, (end - start) * step - 1, ROW, 2);
        context.fill();
      }
    });
    context.globalAlpha = 1;
    if (place < 0) return;
    context.fillStyle = color('--text');
    context.fillRect(place * step, 0, 1.5, height);
    const x = place * step;
    const {scrollLeft, clientWidth} = this.scroll;
    if (x < scrollLeft || x > scrollLeft + clientWidth * 0.7) this.scroll.scrollLeft = x - clientWidth * 0.3;
  }

  redraw(): void {
    this.show(this.piece);
  }
}

const BEATS = 16;
const ROWS = 12;
const SCALES = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 11]]; // of minor the harmonic one
const LOWEST = 62; // the soprano's

/** A grid of quarters and of a scale's notes to draw a melody on. */
export class Drawing {
  readonly canvas = h('canvas', {
    className: 'drawing', tabIndex: 0, role: 'application', 'aria-label': t('drawKeys'), height: 10,
  });
  private readonly notes = new Array<number>(BEATS).fill(-1); // rows from below
  private readonly spoken = h('span', {className: 'hidden', 'aria-live': 'polite'});
  readonly element = h('div', {}, this.canvas, this.spoken);
  private cursor = 0;
  private key: [number, number] = [0, 0];

  constructor(private readonly changed: () => void) {
    const at = (event: PointerEvent) => {
      const {left, top, width, height} = this.canvas.getBoundingClientRect();
      const beat = Math.floor(((event.clientX - left) / width) * BEATS);
      const row = ROWS - 1 - Math.floor(((event.clientY - top) / height) * ROWS);
      if (beat >= 0 && beat < BEATS && row >= 0 && row < ROWS) this.set(beat, row);
    };
    this.canvas.addEventListener('pointerdown', (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      at(event);
    });
    this.canvas.addEventListener('pointermove', (event) => event.buttons && at(event));
    this.canvas.addEventListener('keydown', (event) => {
      const row = this.notes[this.cursor];
      const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      const up = {ArrowUp: 1, ArrowDown: -1}[event.key];
      if (move) {
        this.cursor = Math.min(Math.max(this.cursor + move, 0), BEATS - 1);
        this.show();
      } else if (up) {
        this.set(this.cursor, row < 0 ? 5 : Math.min(Math.max(row + up, 0), ROWS - 1));
      } else if (event.key === 'Delete' || event.key === 'Backspace') this.set(this.cursor, -1);
      else return;
      event.preventDefault();
      const midi = this.pitch(this.notes[this.cursor]);
      this.spoken.textContent = `${this.cursor + 1}: ${midi < 0 ? '–' : midi}`;
    });
    this.fill([5, 5, 6, 7, 7, 6, 5, 4, 3, 3, 4, 5, 5, 4, 4, 4]);
  }

  private set(beat: number, row: number): void {
    this.cursor = beat;
    this.notes[beat] = row;
    this.changed();
    this.show();
  }

  fill(rows: number[]): void {
    this.notes.fill(-1);
    rows.forEach((row, k) => (this.notes[k] = row));
    this.show();
  }

  setKey(key: [number, number]): void {
    this.key = key;
    this.show();
  }

  /** The pitch of a row: the notes of the scale from the lowest on. */
  private pitch(row: number): number {
    if (row < 0) return -1;
    const [tonic, mode] = this.key;
    const scale = Array.from({length: 36}, (_, k) => LOWEST + k).filter((midi) =>
      SCALES[mode].includes((((midi - tonic) % 12) + 12) % 12));
    return scale[row];
  }

  /** The melody, or nothing if it has no note. */
  get piece(): Piece | null {
    const pitches = this.notes.flatMap((row) => Array.from({length: 4}, () => [this.pitch(row), -1, -1, -1]));
    while (pitches.length && pitches[pitches.length - 1][0] < 0) pitches.pop();
    while (pitches.length && pitches[0][0] < 0) pitches.shift();
    if (!pitches.length) return null;
    return {
      pitches,
      strikes: pitches.map(([p], k) => [p >= 0 && p !== pitches[k - 1]?.[0], false, false, false]),
      position: pitches.map((_, k) => k % 16),
      barLength: pitches.map(() => 16),
      fermata: pitches.map(() => false),
      tonic: this.key[0],
      mode: this.key[1],
    };
  }

  show(): void {
    const [width, height] = [this.canvas.clientWidth || 600, 216];
    const ratio = devicePixelRatio;
    [this.canvas.width, this.canvas.height] = [width * ratio, height * ratio];
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    const [wide, high] = [width / BEATS, height / ROWS];
    for (let row = 0; row < ROWS; row++) {
      context.fillStyle = color(this.pitch(row) % 12 === this.key[0] ? '--accent-soft' : '--field');
      context.fillRect(0, (ROWS - 1 - row) * high, width, high - 1);
    }
    for (let beat = 0; beat <= BEATS; beat++) {
      context.fillStyle = color(beat % 4 ? '--line-soft' : '--line');
      context.fillRect(beat * wide, 0, 1, height);
    }
    context.fillStyle = color('--soprano');
    this.notes.forEach((row, beat) => {
      if (row < 0) return;
      const joined = beat > 0 && this.notes[beat - 1] === row;
      context.beginPath();
      context.roundRect(beat * wide + (joined ? -1 : 1), (ROWS - 1 - row) * high + 1, wide - (joined ? 0 : 2), high - 3, joined ? 0 : 3);
      context.fill();
    });
    context.strokeStyle = color('--text');
    if (document.activeElement === this.canvas) {
      const row = Math.max(this.notes[this.cursor], 0);
      context.strokeRect(this.cursor * wide + 1, (ROWS - 1 - row) * high, wide - 2, high - 1);
    }
  }
}
