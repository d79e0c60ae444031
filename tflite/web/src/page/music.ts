/** The tab that composes and harmonizes. */
import {readAbc} from '../apps/music/abc';
import {TONICS} from '../apps/music/key';
import {readMidi, writeMidi} from '../apps/music/midi';
import type {Piece} from '../apps/music/piece';
import {METRES} from '../apps/music/planning';
import {RULES} from '../apps/music/rules';
import {melodyOf} from '../apps/music/sheet';
import {field, h, reveal, save, select, slider} from './dom';
import {language, t} from './i18n';
import {Drawing, Roll} from './roll';
import {Player} from './sound';
import {Status} from './status';

const TEMPO = 84;
const GERMAN: Record<string, string> = {B: 'H', Bb: 'B'};

/** The name of a key, such as "F♯ minor" or "fis-Moll". */
function keyName(tonic: number, mode: number): string {
  const name = TONICS[mode][tonic];
  if (language === 'en') return `${name.replace('b', '♭').replace('#', '♯')} ${t(mode ? 'minor' : 'major')}`;
  const flat: Record<string, string> = {Ab: 'As', Eb: 'Es'};
  const german = GERMAN[name] ?? flat[name] ?? name.replace('b', 'es').replace('#', 'is');
  return mode ? `${german.toLowerCase()}-Moll` : `${german}-Dur`;
}

export function musicPanel(): HTMLElement {
  const status = new Status();
  const player = new Player();
  const roll = new Roll();
  const keys = [0, 1].flatMap((mode) => TONICS[mode].map((_, tonic): [string, string] =>
    [`${tonic} ${mode}`, keyName(tonic, mode)]));
  const key = select(keys, '7 0', () => drawing.setKey(chosenKey()));
  const bars = slider(t('bars'), [2, 16, 1, 8]);
  const metre = select(Object.keys(METRES).map((name) => [name, name]), '4/4');
  const temperature = slider(t('temperature'), [0.5, 1.5, 0.05, 0.9], (v) => v.toFixed(2));
  const tempo = slider(t('tempo'), [40, 160, 2, TEMPO], String, () => player.place >= 0 && play());
  const rules = h('input', {type: 'checkbox', checked: true});
  const seed = h('input', {type: 'number', min: 0, max: 999_999, value: '0', inputMode: 'numeric'});
  const opened = h('span', {className: 'hint'});
  const buttons = h('p', {className: 'buttons', hidden: true});
  let melody: Piece | null = null; // of a file; else the drawn one
  let made: Piece | undefined;
  let last: () => Promise<void> = compose;
  const drawing = new Drawing(() => {
    melody = null;
    opened.textContent = '';
  });
  const chosenKey = () => key.value.split(' ').map(Number) as [number, number];
  const sampling = () => ({
    seed: Number(seed.value), temperature: temperature.value(), rules: rules.checked ? RULES : [],
  });

  function tell(piece: Piece | undefined): void {
    if (!piece) return;
    stop();
    made = piece;
    buttons.hidden = false;
    roll.show(piece);
    reveal(roll.element);
  }

  const progress = (total: number) => (steps: number) =>
    status.say(`${t('working')} ${Math.round((100 * steps) / total)} %`);

  async function compose(): Promise<void> {
    last = compose;
    const given = {key: chosenKey(), bars: bars.value(), metre: metre.value, ...sampling()};
    tell(await status.run('compose', given, progress(given.bars * METRES[given.metre].bar)));
  }

  async function harmonize(): Promise<void> {
    last = harmonize;
    const given = melody ?? drawing.piece;
    if (!given) return status.say(t('noMelody'), true);
    tell(await status.run('harmonize', {melody: given, ...sampling()}, progress(given.pitches.length)));
  }

  async function open(chosen: File): Promise<void> {
    try {
      const data = new Uint8Array(await chosen.arrayBuffer());
      const midi = String.fromCharCode(...data.slice(0, 4)) === 'MThd';
      melody = melodyOf(midi ? readMidi(data) : readAbc(new TextDecoder().decode(data)));
      opened.textContent = ` ${chosen.name}: ${melody.title ?? ''} ${keyName(melody.tonic, melody.mode)}`;
      await harmonize();
    } catch (error) {
      status.say(`${chosen.name}: ${(error as Error).message}`, true);
    }
  }

  const playing = h('button', {type: 'button', className: 'main', onclick: () => (player.place >= 0 ? stop() : play())}, t('play'));

  function play(): void {
    if (!made) return;
    try {
      player.play(made, tempo.value());
    } catch {
      return status.say(t('noWebAudio'), true);
    }
    playing.textContent = t('pause');
    const follow = () => {
      const {place} = player;
      roll.show(made, place);
      if (place >= 0) requestAnimationFrame(follow);
      else playing.textContent = t('play');
    };
    requestAnimationFrame(follow);
  }

  function stop(): void {
    player.stop();
    playing.textContent = t('play');
  }

  const file = h('input', {
    type: 'file', accept: '.mid,.midi,.abc,audio/midi', className: 'hidden', tabIndex: -1, id: 'melody-file',
    onchange: () => {
      const chosen = file.files?.[0];
      file.value = ''; // so that the same file can be chosen again
      if (chosen) void open(chosen);
    },
  });
  buttons.append(playing, h('button', {
    type: 'button',
    onclick: () => made && save('chorale.mid', writeMidi(made, tempo.value()) as Uint8Array<ArrayBuffer>, 'audio/midi'),
  }, t('saveMidi')), h('button', {
    type: 'button',
    onclick: () => {
      seed.value = String(Math.floor(Math.random() * 1000));
      void last();
    },
  }, t('another')));
  const panel = h('div', {className: 'two'},
    h('div', {className: 'controls'},
      field(t('key'), key), field(t('metre'), metre), bars.element, temperature.element, tempo.element,
      field(t('seed'), seed),
      h('label', {className: 'check'}, rules, t('rules')),
      h('p', {className: 'buttons'}, h('button', {type: 'button', className: 'main', onclick: compose}, t('compose')))),
    h('div', {className: 'result'}, roll.element, buttons, status.element,
      h('h3', {}, t('melody')), h('p', {className: 'hint'}, t('draw')), drawing.element,
      h('p', {className: 'buttons'},
        h('button', {type: 'button', className: 'main', onclick: harmonize}, t('harmonize')),
        h('button', {type: 'button', onclick: () => file.click()}, t('open')),
        h('button', {type: 'button', onclick: () => drawing.fill([])}, t('clear')), file, opened)));
  panel.addEventListener('dragover', (event) => event.preventDefault());
  panel.addEventListener('drop', (event) => {
    event.preventDefault();
    const dropped = event.dataTransfer?.files[0];
    if (dropped) void open(dropped);
  });
  for (const name of ['focus', 'blur']) drawing.canvas.addEventListener(name, () => drawing.show());
  new ResizeObserver(() => {
    drawing.show();
    roll.redraw();
  }).observe(panel);
  document.addEventListener('theme', () => {
    drawing.show();
    roll.redraw();
  });
  drawing.setKey(chosenKey());
  return panel;
}
