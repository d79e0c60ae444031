/** Builds the tests: `node build.mjs tests`. */
import {readdirSync, rmSync} from 'node:fs';
import {build} from 'esbuild';

async function tests() {
  rmSync('dist-test', {recursive: true, force: true});
  await build({
    entryPoints: readdirSync('test').filter((f) => f.endsWith('.test.ts')).map((f) => `test/${f}`),
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

await tests();
