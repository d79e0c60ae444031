/** LiteRT.js in Node, which lacks what it expects of a worker, and the repository's files. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {runInThisContext} from 'node:vm';
import {loadLiteRt} from '@litertjs/core';
import {LiteRtGenerator} from '../src/shared/generator';
import type {Bundle} from '../src/shared/generator';

export const WEB = resolve(import.meta.dirname, '..');
export const BUNDLES = join(WEB, '..');
const WASM = join(WEB, 'node_modules/@litertjs/core/wasm');

export const goldens = readJson(join(WEB, 'test/goldens.json'));

export function readJson(path: string) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

let started: Promise<unknown> | undefined;

/** A bundle of the repository, opened. */
export async function open(name: string): Promise<LiteRtGenerator> {
  started ??= start();
  await started;
  const folder = join(BUNDLES, name);
  const bundle = readJson(join(folder, 'bundle.json')) as Bundle;
  return LiteRtGenerator.open(bundle, readFileSync(join(folder, bundle.model)));
}

function start(): Promise<unknown> {
  Object.assign(globalThis, {
    self: globalThis,
    require: createRequire(join(WASM, 'x.js')),
    __dirname: WASM,
    __filename: join(WASM, 'x.js'),
    importScripts: (file: string) => runInThisContext(readFileSync(file, 'utf8')),
  });
  const silent = console.error;
  console.error = () => {}; // it prints what it does
  process.once('exit', () => (console.error = silent));
  // Node 20 has no relaxed SIMD, so this build runs on every version.
  return loadLiteRt(join(WASM, 'litert_wasm_compat_internal.js'));
}
