import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {getGlobalLiteRt, Tensor} from '@litertjs/core';
import {Captioner, WordTokenizer} from '../src/apps/captioning/caption';
import {svg} from '../src/apps/handwriting/drawing';
import {styleNames} from '../src/apps/handwriting/ink';
import {writeText} from '../src/apps/handwriting/lines';
import {place} from '../src/apps/handwriting/page';
import {readAbc} from '../src/apps/music/abc';
import {fill} from '../src/apps/music/decoding';
import type {Piece} from '../src/apps/music/piece';
import {METRES, plan, planHarmony} from '../src/apps/music/planning';
import {RULES} from '../src/apps/music/rules';
import {melodyOf} from '../src/apps/music/sheet';
import {Translator} from '../src/apps/translation/translate';
import {release} from '../src/shared/generator';
import type {Arrays, LiteRtGenerator, State, Values} from '../src/shared/generator';
import {Tokenizer} from '../src/shared/text/tokenizer';
import {BUNDLES, goldens, open, readJson} from './runtime';

const NAMES = [
  'captioning-flickr8k-scst', 'handwriting-unipen', 'music-chorales', 'translation-tatoeba',
];
// int8 convolutions quantize their activations in each kernel's own rounding, which the network
// magnifies; the captions below are the same.
const SHARES: Record<string, number> = {'captioning-flickr8k-scst': 8};
const models = Object.fromEntries(
  await Promise.all(NAMES.map(async (name) => [name, await open(name)] as const)));

interface Entry {
  dtype: string;
  shape: number[];
  base64: string;
  every?: number;
}

function values(entry: Entry): Values {
  const bytes = Buffer.from(entry.base64, 'base64');
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  if (entry.dtype === 'float32') return new Float32Array(data);
  return entry.dtype === 'int32' ? new Int32Array(data) : new Uint8Array(data);
}

function unpack(entries: Record<string, Entry>): Arrays {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, values(entry)]));
}

/** The largest difference, as a share of the largest expected value or 1; see shared/export/goldens.py. */
function difference(entry: Entry, got: Values): number {
  const expected = values(entry);
  const clip = (v: number) => Math.min(Math.max(v, -1e4), 1e4);
  let [gap, scale] = [0, 1];
  expected.forEach((value, k) => {
    gap = Math.max(gap, Math.abs(clip(value) - clip(got[k * (entry.every ?? 1)])));
    if (Math.abs(value) < 1e4) scale = Math.max(scale, Math.abs(value));
  });
  return gap / scale;
}

const read = (state: State): Arrays => Object.fromEntries(
  Object.entries(state).map(([name, tensor]: [string, Tensor]) => [name, tensor.toTypedArray() as Values]));

for (const name of NAMES) {
  test(`encode and step give the goldens of ${name}`, async () => {
    const table = readJson(join(BUNDLES, name, 'goldens.json'));
    let worst = 0;
    for (const one of table.cases) {
      const {state: first, memory} = await models[name].encode(unpack(one.condition));
      let state = first;
      const compare = (got: Arrays, expected: Record<string, Entry>) => {
        for (const [tensor, entry] of Object.entries(expected)) {
          worst = Math.max(worst, difference(entry, got[tensor]) / table.tolerance);
        }
      };
      compare({...read(state), ...read(memory)}, one.encoded);
      for (const step of one.steps) {
        const {outputs, state: next} = await models[name].step(unpack(step.symbol), state, memory);
        release(state);
        state = next;
        compare({...outputs, ...read(state)}, step.outputs);
      }
      release(state);
      release(memory);
    }
    assert.ok(worst <= (SHARES[name] ?? 1), `${worst} of the tolerance`);
  });
}

test('sentences are translated to the same subwords', async () => {
  const model = readFileSync(join(BUNDLES, 'translation-tatoeba/tokenizer.model'));
  const translator = new Translator(models['translation-tatoeba'], new Tokenizer(model));
  for (const {text, to, n_best: expected} of goldens.translations) {
    const found = await translator.sentence(text, to, {n_best: 2});
    found.forEach((one, k) => {
      const [said, score, pieces] = expected[k];
      assert.deepEqual([one.text, one.pieces], [said, pieces]);
      assert.ok(Math.abs(one.score - score) < 5e-3, `${one.score} ${score}`);
    });
  }
  for (const [text, from, to, expected] of goldens.names.translations) {
    const [{source, found}] = await translator.translate(text, from, to);
    assert.deepEqual([source, found[0].text], [text, expected]);
  }
  const done = await translator.translate('Hello.\n\nHow are you?', 'en', 'de');
  assert.deepEqual(done.map((sentence) => sentence.gap), ['\n\n', '']);
});

test('photos get the same captions', async () => {
  const name = 'captioning-flickr8k-scst';
  const words = new WordTokenizer(readJson(join(BUNDLES, name, 'words.json')));
  const captioner = new Captioner(models[name], words);
  const {cases} = readJson(join(BUNDLES, name, 'goldens.json'));
  for (const [k, one] of cases.entries()) {
    const [found] = await captioner.caption(values(one.condition.photo) as Uint8Array);
    assert.equal(found.text, goldens.captions.cases[k]);
    assert.equal(found.attention.length, found.words.length);
  }
});

const bits = (piece: Piece) => piece.strikes.map((row) => row.reduce((sum, on) => 2 * sum + Number(on), 0));

test('chorales have the same notes for the same seed, with rules and without', async () => {
  const model = models['music-chorales'];
  for (const one of goldens.music.composed) {
    const {bar, phrase, upbeat} = METRES[one.metre];
    const outline = plan(one.bars, one.key, bar, phrase, 4 * upbeat);
    const chosen = {seed: one.seed, temperature: one.temperature};
    const made = await fill(model, outline, chosen, one.rules, false);
    assert.deepEqual(made.pitches, one.pitches);
    assert.deepEqual(bits(made), one.strikes);
  }
  const {abc, harmonized} = goldens.music;
  const outline = planHarmony(melodyOf(readAbc(abc)));
  const made = await fill(model, outline, {seed: harmonized.seed}, RULES, true);
  assert.deepEqual(made.pitches, harmonized.pitches);
  assert.deepEqual(bits(made), harmonized.strikes);
});

test('lines have the same strokes for the same seed', async () => {
  const model: LiteRtGenerator = models['handwriting-unipen'];
  const {written, accented, styles} = goldens.writing;
  assert.deepEqual(styleNames(model.bundle.config.styles as string[]), styles);
  for (const {text, style, bias, seed, lines, svg: drawn} of [...written, ...accented]) {
    const made = await writeText(model, text.split('\n'), {style, bias, seed});
    made.forEach((line, k) => {
      const {points, draws, problems} = lines[k];
      assert.deepEqual([line.draws, line.problems, line.rows.length], [draws, problems, points.length]);
      line.rows.forEach((row, t) => row.forEach((v, c) =>
        assert.ok(Math.abs(v - points[t][c]) < 5e-3, `point ${t}: ${row}, ${points[t]}`)));
    });
    const here = svg(place(made.map((line) => line.rows)));
    assert.equal(here.split('<path').length, drawn.split('<path').length);
  }
});

test('the heap is flat after many results', async () => {
  const model = readFileSync(join(BUNDLES, 'translation-tatoeba/tokenizer.model'));
  const translator = new Translator(models['translation-tatoeba'], new Tokenizer(model));
  const heap = () => getGlobalLiteRt().liteRtWasm.HEAPU8.length;
  for (let k = 0; k < 3; k++) await translator.sentence('Hello.', 'de');
  const before = heap();
  for (let k = 0; k < 40; k++) await translator.sentence('Hello.', 'de');
  assert.equal(heap(), before);
});
