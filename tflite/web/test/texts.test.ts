import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {resize, squared} from '../src/apps/captioning/photos';
import {symbols} from '../src/apps/handwriting/ink';
import {lettersOf, spell} from '../src/apps/handwriting/spelling';
import {readAbc} from '../src/apps/music/abc';
import {readMidi, writeMidi} from '../src/apps/music/midi';
import type {Piece} from '../src/apps/music/piece';
import {planHarmony} from '../src/apps/music/planning';
import {melodyOf} from '../src/apps/music/sheet';
import {finished, formOf} from '../src/apps/translation/lifting';
import {markNames, translated, TRANSLATED} from '../src/apps/translation/names';
import {Placing} from '../src/apps/translation/placing';
import {Random} from '../src/shared/random';
import {splitSentences} from '../src/shared/text/sentences';
import {Tokenizer} from '../src/shared/text/tokenizer';
import {BUNDLES, goldens} from './runtime';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

test('random numbers are those of NumPy', () => {
  for (const {seed, key, uniform, normal, sum} of goldens.random) {
    const random = new Random(seed, key);
    for (const number of uniform) assert.equal(random.uniform(), number);
    const drawn = Array.from({length: 4000}, () => random.normal());
    normal.forEach((number: number, k: number) => assert.ok(Math.abs(drawn[k] - number) < 1e-12));
    const total = drawn.reduce((all, number) => all + Math.abs(number), 0);
    assert.ok(Math.abs(total - sum) < 1e-8);
  }
});

test('texts have the subwords of SentencePiece, and are read again', () => {
  const tokenizer = new Tokenizer(
    readFileSync(join(BUNDLES, 'translation-tatoeba/tokenizer.model')));
  assert.ok(goldens.texts.length > 300);
  for (const {text, ids, decoded} of goldens.texts) {
    if (text !== null) assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
    assert.equal(tokenizer.decode(ids), decoded, JSON.stringify([text, ids]));
  }
});

test('what is not translated is lifted out, placed once, and put back', () => {
  const {tokenizer: model, forms} = goldens.lifted;
  const tokenizer = new Tokenizer(Buffer.from(model, 'base64'));
  const placing = new Placing(tokenizer);
  for (const {text, parts, slots, finished: whole, ids, prefix, allowed} of forms) {
    const form = formOf(text);
    const {first, all} = form.style;
    assert.deepEqual([form.text, form.before, form.after, first, all, form.left], parts);
    assert.deepEqual(form.slots.map((slot) => [slot.symbol, slot.text]), slots);
    assert.equal(finished(form, form.text), whole);
    assert.deepEqual(tokenizer.encode(form.text), ids);
    const values = new Float32Array(tokenizer.vocabulary).fill(-5);
    placing.constraint(form.slots, ids.length + 2)(prefix, values);
    assert.equal(sha256(Uint8Array.from(values, (v) => Number(v > -Infinity))), allowed, text);
  }
});

test('unknown names are marked', () => {
  const {translated: table, marked} = goldens.names;
  const words = [...TRANSLATED].map(([language, names]) => [language, [...names].sort()]);
  assert.deepEqual(Object.fromEntries(words), table);
  const tokenizer = new Tokenizer(
    readFileSync(join(BUNDLES, 'translation-tatoeba/tokenizer.model')));
  for (const [text, language, expected] of marked) {
    assert.equal(markNames(text, tokenizer, language), expected);
    assert.equal(translated(expected, expected), text);
  }
});

test('paragraphs are split into the same sentences', () => {
  for (const [text, expected] of goldens.sentences) {
    assert.deepEqual(splitSentences(text).map(({text: t, after}) => [t, after]), expected);
  }
});

test('photos are resized as by Pillow, to the byte', () => {
  const pixels = Uint8Array.from({length: 97 * 61 * 3}, (_, k) =>
    Number((BigInt(k) * 2_654_435_761n) >> 7n & 0xffn));
  const crop = (w: number, h: number) =>
    Uint8Array.from({length: w * h * 3}, (_, k) =>
      pixels[(Math.floor(k / (3 * w)) * 97 + (Math.floor(k / 3) % w)) * 3 + (k % 3)]);
  for (const [w, h, fit, expected] of goldens.captions.resized) {
    assert.equal(sha256(squared(crop(w, h), w, h, 224, fit)), expected, `${w} x ${h}, ${fit}`);
  }
  [16, 61, 97].forEach((size, k) =>
    assert.equal(sha256(resize(pixels, 97, 61, size)), goldens.captions.sizes[k], `to ${size}`));
});

test('texts are spelled in letters and marks', () => {
  for (const [text, spelled, letters, marks] of goldens.writing.spelled) {
    assert.equal(spell(text), spelled);
    assert.deepEqual(lettersOf(spelled), {letters, marks});
  }
  assert.throws(() => symbols('日本'), /cannot write 日 本/);
});

test('melodies are read from ABC and MIDI and planned alike', () => {
  const {abc, melody, midi, read} = goldens.music;
  const soprano = (piece: Piece) => piece.pitches.map((row) => row[0]);
  const outline = planHarmony(melodyOf(readAbc(abc)));
  assert.deepEqual(soprano(melodyOf(readAbc(abc))), melody.soprano);
  assert.deepEqual(outline.position, melody.position);
  assert.deepEqual(outline.fermata.map(Number), melody.fermata);
  assert.deepEqual([outline.tonic, outline.mode], melody.key);
  const played = melodyOf(readMidi(Buffer.from(midi, 'base64')));
  assert.deepEqual([soprano(played), played.position], [read.soprano, read.position]);
  assert.deepEqual([played.tonic, played.mode], read.key);
  const again = melodyOf(readMidi(writeMidi(played, 84)));
  assert.deepEqual([again.pitches, again.strikes], [played.pitches, played.strikes]);
  assert.deepEqual([again.position, again.tempo], [played.position, 84]);
  assert.throws(() => readAbc('X:1\nK:C\n§'), /is no sign of ABC/);
  assert.throws(() => readMidi(Uint8Array.of(1, 2)), /no MIDI file/);
});
