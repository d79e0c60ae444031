/** The tab that translates as one types. */
import type {Hypothesis, Sentence} from '../apps/translation/translate';
import {h, select} from './dom';
import {isWord, language, t} from './i18n';
import {Status} from './status';

const WAIT = 250; // milliseconds after the last key
const SPACE = '\u2581';
const DIRECTIONS: [string, string][] = [
  ['en', 'de'], ['en', 'fr'], ['en', 'es'], ['de', 'en'], ['fr', 'en'], ['es', 'en'],
];

/** Words, each with the subwords that it is made of. */
function wordsOf(pieces: string[]): {text: string; pieces: number[]}[] {
  const words: {text: string; pieces: number[]}[] = [];
  pieces.forEach((piece, k) => {
    if (piece.startsWith('<2') || piece === '</s>') return;
    const bare = piece.startsWith(SPACE) ? piece.slice(1) : piece;
    if (piece.startsWith(SPACE) || !words.length) words.push({text: bare, pieces: [k]});
    else {
      words[words.length - 1].text += bare;
      words[words.length - 1].pieces.push(k);
    }
  });
  return words;
}

const spaced = (chips: HTMLElement[]) => chips.flatMap((chip) => [chip, ' ']);

export function translatePanel(): HTMLElement {
  const status = new Status();
  const name = (code: string) => (isWord(code) ? t(code) : code);
  const sources = [...new Set(DIRECTIONS.map(([from]) => from))];
  const from = select(sources.map((code) => [code, name(code)]), language, () => targets());
  const to = select([], undefined, () => now());
  const source = h('textarea', {
    rows: 6, placeholder: t('typeHere'), maxLength: 5000, spellcheck: false, id: 'source',
    oninput: () => {
      clearTimeout(timer);
      timer = window.setTimeout(now, WAIT);
    },
  });
  const output = h('output', {className: 'translation', htmlFor: 'source' as never, 'aria-live': 'polite'});
  const map = h('div', {className: 'map'});
  let timer = 0;

  function targets(): void {
    const before = to.value;
    const codes = DIRECTIONS.filter(([one]) => one === from.value).map(([, two]) => two);
    to.replaceChildren(...codes.map((code) => h('option', {value: code}, name(code))));
    if (codes.includes(before)) to.value = before;
    source.lang = from.value;
    now();
  }

  async function now(): Promise<void> {
    clearTimeout(timer);
    const text = source.value;
    output.lang = to.value;
    if (!text.trim()) {
      status.stop();
      output.replaceChildren();
      map.replaceChildren();
      return;
    }
    const found = await status.run('translate', {text, from: from.value, to: to.value}, show);
    if (found) show(found);
  }

  function show(sentences: Sentence[]): void {
    output.textContent = sentences.map(({found, gap}) => found[0].text + gap).join('');
    const some = sentences.filter(({found}) => found[0].pieces.length);
    map.hidden = !some.length;
    map.replaceChildren(
      h('h3', {}, t('attention')), h('p', {className: 'hint'}, t('attentionHint')),
      ...some.map(({found}) => alignment(found)));
  }

  /** Source and translation of a sentence, word by word; the one that is pointed at lights up. */
  function alignment(found: Hypothesis[]): HTMLElement {
    const [best, ...rest] = found;
    const read = wordsOf(best.sourcePieces);
    const written = wordsOf(best.pieces);
    const above = read.map(({text}) => h('span', {className: 'piece'}, text));
    const weight = (one: number[], other: number[]) => one.reduce(
      (sum, row) => sum + other.reduce((all, column) => all + best.attention[row][column], 0), 0) / one.length;
    const light = (k: number) => {
      const weights = read.map(({pieces}) => (k < 0 ? 0 : weight(written[k].pieces, pieces)));
      above.forEach((chip, n) => {
        chip.style.setProperty('--weight', String(Math.min(1, weights[n])));
        chip.title = k < 0 ? '' : `${Math.round(100 * weights[n])} %`;
      });
      below.forEach((chip, n) => chip.classList.toggle('on', n === k));
    };
    const below = written.map(({text}, k) => h('button', {
      type: 'button', className: 'piece',
      onpointerenter: () => light(k), onfocus: () => light(k), onclick: () => light(k),
      onpointerleave: () => light(-1), onblur: () => light(-1),
    }, text));
    const more = rest.filter(({text}) => text !== best.text);
    return h('div', {className: 'sentence'},
      h('p', {lang: from.value}, ...spaced(above)), h('p', {lang: to.value}, ...spaced(below)),
      more.length > 0 && h('details', {}, h('summary', {}, t('others')),
        h('ul', {lang: to.value}, ...more.map(({text}) => h('li', {}, text)))));
  }

  function swap(): void {
    const [one, two] = [from.value, to.value];
    const text = output.textContent ?? '';
    from.value = two;
    source.value = text || source.value;
    targets();
    to.value = one;
    now();
  }

  source.value = t('sample');
  source.addEventListener('focus', () => output.textContent === '' && now(), {once: true});
  const copy = h('button', {
    type: 'button', onclick: () => navigator.clipboard?.writeText(output.textContent ?? ''),
  }, t('copy'));
  const start = h('button', {type: 'button', className: 'main', onclick: now}, t('translate'));
  to.replaceChildren(...DIRECTIONS.filter(([one]) => one === from.value)
    .map(([, two]) => h('option', {value: two}, name(two))));
  source.lang = from.value;
  return h('div', {},
    h('div', {className: 'languages'},
      h('label', {className: 'field'}, h('span', {className: 'label'}, t('from')), from),
      h('button', {type: 'button', className: 'icon', title: t('swap'), 'aria-label': t('swap'), onclick: swap}, '⇄'),
      h('label', {className: 'field'}, h('span', {className: 'label'}, t('to')), to)),
    h('div', {className: 'two even'},
      h('div', {className: 'field'}, h('label', {className: 'label', htmlFor: 'source'}, t('text')), source,
        h('p', {className: 'buttons'}, start)),
      h('div', {className: 'field'}, h('span', {className: 'label'}, t('translated')), output,
        h('p', {className: 'buttons'}, copy, status.element))),
    map);
}
