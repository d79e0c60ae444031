/** Builds the page into dist/, `node build.mjs`, and the tests into dist-test/, `node build.mjs tests`. */
import {createHash} from 'node:crypto';
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {build} from 'esbuild';

const WASM = 'node_modules/@litertjs/core/wasm';
const SAMPLES = '../../apps/captioning/samples';
const BUILDS = ['litert_wasm_internal', 'litert_wasm_compat_internal']; // which the loader chooses from
const RECORDS = /^(goldens|parity)\.json$/;

/** The bundles beside this folder, one for each application. */
function bundles() {
  const found = {};
  for (const folder of readdirSync('..').sort()) {
    const sidecar = join('..', folder, 'bundle.json');
    if (!existsSync(sidecar)) continue;
    const bundle = JSON.parse(readFileSync(sidecar, 'utf8'));
    const names = Object.keys(bundle.files).filter((name) => !RECORDS.test(name));
    found[bundle.app] ??= {folder, bundle, names};
  }
  return found;
}

function copy(from, to, names) {
  mkdirSync(join('dist', to), {recursive: true});
  for (const name of names) copyFileSync(join(from, name), join('dist', to, name));
  return names.map((name) => `${to}${name}`);
}

const define = (values) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));

async function page() {
  rmSync('dist', {recursive: true, force: true});
  const apps = bundles();
  const shell = copy('.', '', ['index.html', 'icon.svg', 'manifest.webmanifest']);
  const photos = readdirSync(SAMPLES).filter((name) => name.endsWith('.jpg'));
  shell.push(...copy(SAMPLES, 'samples/', photos));
  copy(WASM, 'wasm/', BUILDS.flatMap((name) => [`${name}.js`, `${name}.wasm`]));
  const about = {};
  for (const [app, {folder, bundle, names}] of Object.entries(apps)) {
    const to = `models/${folder}/`;
    copy(join('..', folder), to, names);
    shell.push(...copy(join('..', folder), to, ['bundle.json']));
    about[app] = {
      preset: bundle.preset,
      license: bundle.license,
      note: bundle.license_note,
      commercial: bundle.commercial_use,
      bytes: names.reduce((sum, name) => sum + bundle.files[name].bytes, 0),
      files: names.map((name) => `${to}${name}?${bundle.files[name].sha256.slice(0, 16)}`),
    };
  }
  const folders = Object.fromEntries(Object.entries(apps).map(([app, {folder}]) => [app, folder]));
  const options = {bundle: true, minify: true, target: 'es2022', logLevel: 'warning'};
  await build({
    ...options, entryPoints: ['src/page/main.ts'], outfile: 'dist/app.js', format: 'esm',
    define: define({ABOUT: about, PHOTOS: photos}),
  });
  await build({
    ...options, entryPoints: ['src/page/worker.ts'], outfile: 'dist/worker.js', format: 'iife',
    define: define({BUNDLES: folders}),
  });
  await build({...options, entryPoints: ['style.css'], outfile: 'dist/style.css'});
  shell.push('app.js', 'worker.js', 'style.css');
  const hash = createHash('sha256');
  for (const file of [...shell, ...BUILDS.map((name) => `wasm/${name}.wasm`)]) {
    hash.update(readFileSync(join('dist', file)));
  }
  await build({
    ...options, entryPoints: ['src/page/sw.ts'], outfile: 'dist/sw.js', format: 'iife',
    define: define({
      SHELL: ['./', ...shell],
      VERSION: hash.digest('hex').slice(0, 16),
      MODELS: Object.values(about).flatMap(({files}) => files),
    }),
  });
}

async function tests() {
  rmSync('dist-test', {recursive: true, force: true});
  await build({
    entryPoints: readdirSync('test').filter((f) => /\.test\.ts$|^figures/.test(f)).map((f) => `test/${f}`),
    outdir: 'dist-test',
    outExtension: {'.js': '.mjs'},
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['playwright-core'],
    logLevel: 'warning',
  });
}

await (process.argv[2] === 'tests' ? tests() : page());
