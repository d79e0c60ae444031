/** The tab that writes by hand. */
import {svg, timing, PEN, INK, curve} from '../apps/handwriting/drawing';
import {KINDS} from '../apps/handwriting/ink';
import {spell} from '../apps/handwriting/spelling';
import type {Line} from '../apps/handwriting/lines';
import {breakText, place} from '../apps/handwriting/page';
import type {Page} from '../apps/handwriting/page';
import {field, h, reveal, save, select, slider, still} from './dom';
import {isWord, t} from './i18n';
import {Status} from './status';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const DOTS = 8; // pixels of a PNG in a millimeter

export function writePanel(): HTMLElement {
  const status = new Status();
  const text = h('textarea', {rows: 4, maxLength: 1000, value: t('note'), spellcheck: false});
  const style = select(['any', ...KINDS].map((kind) => [kind, isWord(kind) ? t(kind) : kind]), 'cursive');
  const hand = slider(t('hand'), [1, 40, 1, 3]);
  const bias = slider(t('legibility'), [0, 2.5, 0.1, 1], (v) => v.toFixed(1));
  const speed = slider(t('speed'), [0.5, 8, 0.5, 2], (v) => `${v}×`);
  const seed = h('input', {type: 'number', min: 0, max: 999_999, value: '0', inputMode: 'numeric'});
  const paper = h('div', {className: 'paper', role: 'img', 'aria-label': t('written')});
  const saving = h('p', {className: 'buttons', hidden: true});
  let page: Page | undefined;

  /** The number of the style: any, or a hand of a kind. */
  function styleOf(names: string[]): number {
    if (style.value === 'any') return 0;
    const own = names.flatMap((name, k) => (name.startsWith(`${style.value}-`) ? [k] : []));
    return own[(hand.value() - 1) % own.length];
  }

  async function write(): Promise<void> {
    const lines = breakText(spell(text.value));
    const full = lines.filter(Boolean);
    if (!full.length) return status.say(t('nothing'), true);
    saving.hidden = true;
    const facts = await status.run('open', {app: 'handwriting'});
    if (!facts) return;
    const made: Line[] = [];
    paper.replaceChildren();
    reveal(paper);
    let done = 0; // milliseconds of writing that are under way
    const draw = (last: boolean) => {
      let k = 0;
      page = place(lines.slice(0, last ? undefined : lastLine(lines, made.length)).map(
        (line) => (line ? made[k++].rows : null)));
      done = show(page, Math.max(done, elapsed()));
    };
    const options = {lines: full, style: styleOf(facts.styles!), bias: bias.value(), seed: Number(seed.value)};
    const found = await status.run('write', options, (line) => {
      made.push(line);
      if (made.length < full.length) draw(false);
    });
    if (!found) return;
    draw(true);
    saving.hidden = false;
  }

  /** Shows a page; strokes that are there already stay. Returns when the pen will be done. */
  function show(now: Page, begun: number): number {
    const there = paper.querySelectorAll('path');
    const old = there.length;
    const drawing = paper.querySelector('svg') ?? document.createElementNS(NAMESPACE, 'svg');
    drawing.setAttribute('viewBox', `0 0 ${now.width.toFixed(2)} ${now.height.toFixed(2)}`);
    drawing.style.maxWidth = `${now.width * 2}mm`;
    if (!drawing.isConnected) {
      drawing.classList.add('ink');
      drawing.setAttribute('stroke-width', String(PEN));
      paper.append(drawing);
    }
    let end = begun;
    const times = timing(now);
    const first = times[old]?.start ?? 0;
    now.strokes.forEach((stroke, k) => {
      if (k < old) return there[k].setAttribute('d', curve(stroke)); // the page may have grown
      const path = document.createElementNS(NAMESPACE, 'path');
      path.setAttribute('d', curve(stroke));
      drawing.append(path);
      if (still()) return;
      path.setAttribute('pathLength', '1');
      const {start, lasts} = times[k];
      const at = begun + ((start - first) * 1000) / speed.value();
      const duration = (lasts * 1000) / speed.value();
      path.animate(
        [{strokeDasharray: '1 2', strokeDashoffset: 1.01, opacity: 1}, {strokeDasharray: '1 2', strokeDashoffset: 0, opacity: 1}],
        {duration, delay: Math.max(0, at - elapsed()), fill: 'backwards'});
      path.animate([{opacity: 0}, {opacity: 0}], {duration: Math.max(0, at - elapsed())});
      end = at + duration;
    });
    return end;
  }

  let start = performance.now();
  const elapsed = () => performance.now() - start;

  async function png(): Promise<void> {
    const picture = new Image();
    picture.src = `data:image/svg+xml;utf8,${encodeURIComponent(svg(page!, INK))}`;
    await picture.decode();
    const canvas = h('canvas', {width: Math.round(page!.width * DOTS), height: Math.round(page!.height * DOTS)});
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && save('note.png', blob, 'image/png'));
  }

  const again = (act: () => void) => () => {
    start = performance.now();
    act();
  };
  saving.append(
    h('button', {type: 'button', onclick: again(() => {
      paper.replaceChildren();
      if (page) show(page, 0);
    })}, t('again')),
    h('button', {type: 'button', onclick: () => save('note.svg', svg(page!), 'image/svg+xml')}, t('saveSvg')),
    h('button', {type: 'button', onclick: png}, t('savePng')));
  const form = h('form', {className: 'controls', onsubmit: (event: Event) => {
    event.preventDefault();
    again(write)();
  }},
    field(t('text'), text), field(t('style'), style), hand.element, bias.element, speed.element,
    field(t('seed'), seed),
    h('p', {className: 'buttons'},
      h('button', {type: 'submit', className: 'main'}, t('write')),
      h('button', {type: 'button', onclick: again(() => {
        seed.value = String(Math.floor(Math.random() * 1000));
        write();
      })}, t('another'))));
  style.onchange = () => (hand.element.hidden = style.value === 'any');
  return h('div', {className: 'two'}, form, h('div', {className: 'result'}, paper, status.element, saving));
}

/** How many lines of a text the first `count` that are not empty reach. */
function lastLine(lines: string[], count: number): number {
  let seen = 0;
  const found = lines.findIndex((line) => line && ++seen === count);
  return found + 1;
}
