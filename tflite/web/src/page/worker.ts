/** Loads models when they are needed and runs them; a classic worker, as LiteRT's loader needs. */
import {getGlobalLiteRt, loadLiteRt} from '@litertjs/core';
import {Captioner, Subwords, WordTokenizer} from '../apps/captioning/caption';
import {writeText} from '../apps/handwriting/lines';
import {styleNames} from '../apps/handwriting/ink';
import {fill} from '../apps/music/decoding';
import {METRES, plan, planHarmony} from '../apps/music/planning';
import {Translator} from '../apps/translation/translate';
import {InputError} from '../shared/errors';
import {LiteRtGenerator} from '../shared/generator';
import type {Bundle} from '../shared/generator';
import {Signal, Stopped} from '../shared/signal';
import {Tokenizer} from '../shared/text/tokenizer';
import type {App, Facts, Reply, Request, Verb, Verbs} from './messages';

/** The folder of each application's bundle, set by the build. */
declare const BUNDLES: Record<App, string>;

Object.assign(self, {
  Module: {locateFile: (file: string) => `wasm/${file}`},
  heapBytes: () => getGlobalLiteRt().liteRtWasm.HEAPU8.length, // for measurements
});
console.error = console.warn = () => {}; // where the runtime prints what it does; it throws errors

type Progress = (received: number, total: number) => void;
type Tell<V extends Verb> = (value: Verbs[V]['partial']) => void;

interface Opened {
  generator: LiteRtGenerator;
  translator?: Translator;
  captioner?: Captioner;
}

let runtime: Promise<unknown> | undefined;
const opening = new Map<App, Promise<Opened>>();
const running = new Map<number, Signal>();

function open(app: App, progress: Progress): Promise<Opened> {
  let found = opening.get(app);
  if (!found) {
    found = load(app, progress);
    found.catch(() => opening.delete(app)); // so that another try may succeed
    opening.set(app, found);
  }
  return found;
}

async function load(app: App, progress: Progress): Promise<Opened> {
  runtime ??= loadLiteRt('wasm/').catch((error) => {
    runtime = undefined;
    throw error;
  });
  const folder = `models/${BUNDLES[app]}`;
  const bundle: Bundle = await (await get(`${folder}/bundle.json`)).json();
  const names = Object.keys(bundle.files).filter((name) => !/^(goldens|parity)\.json$/.test(name));
  const total = names.reduce((sum, name) => sum + bundle.files[name].bytes, 0);
  let received = 0;
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const response = await get(`${folder}/${name}?${bundle.files[name].sha256.slice(0, 16)}`);
    const data = new Uint8Array(bundle.files[name].bytes);
    let place = 0;
    for (const reader = response.body!.getReader(); ; ) {
      const {done, value} = await reader.read();
      if (done) break;
      if (place + value.length > data.length) throw new InputError(`${name} is damaged`);
      data.set(value, place);
      place += value.length;
      received += value.length;
      progress(received, total);
    }
    if (place < data.length) throw new InputError(`${name} is cut off; reload the page`);
    files.set(name, data);
  }
  await runtime;
  const generator = await LiteRtGenerator.open(bundle, files.get(bundle.model)!);
  if (app === 'translation') {
    return {generator, translator: new Translator(generator, new Tokenizer(files.get('tokenizer.model')!))};
  }
  if (app === 'captioning') {
    const words = files.get('words.json');
    const tokenizer = words
      ? new WordTokenizer(JSON.parse(new TextDecoder().decode(words)))
      : new Subwords(files.get('tokenizer.model')!);
    return {generator, captioner: new Captioner(generator, tokenizer)};
  }
  return {generator};
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) throw new InputError(`${url.split('?')[0]} could not be loaded`);
  return response;
}

function facts({generator: {bundle}, translator, captioner}: Opened): Facts {
  const {styles, image_size: size, fit} = bundle.config as Record<string, never>;
  return {
    license: bundle.license,
    note: bundle.license_note,
    languages: captioner?.languages,
    directions: translator?.directions,
    size,
    fit,
    styles: styles && styleNames(styles),
  };
}

const run: {
  [V in Verb]: (
    args: Verbs[V]['args'], tell: Tell<V>, signal: Signal, progress: Progress,
  ) => Promise<Verbs[V]['result']>;
} = {
  async open({app}, _, __, progress) {
    return facts(await open(app, progress));
  },
  async caption({photo, language}, tell, signal, progress) {
    const {captioner} = await open('captioning', progress);
    return captioner!.caption(photo, language, {n_best: 3}, tell, signal);
  },
  async translate({text, from, to}, tell, signal, progress) {
    const {translator} = await open('translation', progress);
    return translator!.translate(text, from, to, {n_best: 3}, tell, signal);
  },
  async compose({key, bars, metre, rules, ...chosen}, tell, signal, progress) {
    const {generator} = await open('music', progress);
    const {bar, phrase, upbeat} = METRES[metre];
    const outline = plan(bars, key, bar, phrase, 4 * upbeat);
    return fill(generator, outline, chosen, rules, false, tell, signal);
  },
  async harmonize({melody, rules, ...chosen}, tell, signal, progress) {
    const {generator} = await open('music', progress);
    return fill(generator, planHarmony(melody), chosen, rules, true, tell, signal);
  },
  async write({lines, ...hand}, tell, signal, progress) {
    const {generator} = await open('handwriting', progress);
    return writeText(generator, lines, hand, tell, signal);
  },
};

self.onmessage = async ({data}: MessageEvent<Request>) => {
  const reply = (message: Reply) => self.postMessage(message);
  const {id, verb} = data;
  if (verb === 'stop') {
    const signal = running.get(id);
    if (signal) signal.stopped = true;
    return;
  }
  const signal = new Signal();
  running.set(id, signal);
  try {
    const value = await (run[verb] as (...all: unknown[]) => Promise<unknown>)(
      data.args,
      (partial: unknown) => reply({id, kind: 'partial', value: partial}),
      signal,
      (received: number, total: number) => reply({id, kind: 'loading', received, total}),
    );
    reply({id, kind: 'done', value});
  } catch (error) {
    const stopped = error instanceof Stopped;
    reply({id, kind: 'failed', message: error instanceof Error ? error.message : String(error), stopped});
  } finally {
    running.delete(id);
  }
};
