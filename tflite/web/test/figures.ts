/**
 * Measures the built page in Chromium and prints the table of tflite/README.md: `npm run figures`.
 *
 * Cold is a first result in a new browser, with download, compilation and warm-up; warm the median of ten more.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Page, Worker} from 'playwright-core';
import {launch, serve} from './browser';
import {WEB} from './runtime';

const SAMPLE = join(WEB, '../../apps/captioning/samples/cat.jpg');
const RESULTS = Number(process.argv[2] ?? 100);
const SENTENCES = ['Where is the station?', 'I have lost my key.', 'The train leaves at ten.'];

interface Task {
  name: string;
  tab: string;
  /** Asks for the k-th result; the page says when it is there. */
  ask: (page: Page, k: number) => Promise<void>;
}

const write = async (page: Page, selector: string, value: string) => page.locator(selector).evaluate(
  (element, v) => ((element as HTMLInputElement).value = v), value);

const TASKS: Task[] = [
  {
    name: 'translate 4 or 5 words, beam 5', tab: 'translation',
    ask: async (page, k) => {
      await write(page, '#source', SENTENCES[k % 3]);
      await page.click('#translation button.main');
    },
  },
  {
    name: 'caption a photo, beam 5', tab: 'captioning',
    ask: async (page) => page.setInputFiles('#photo-file', SAMPLE),
  },
  {
    name: 'compose 8 bars, all rules', tab: 'music',
    ask: async (page, k) => {
      await write(page, '#music input[type=number]', String(k));
      await page.click('#music .controls button.main >> nth=0');
    },
  },
  {
    name: 'write a line of 24 characters', tab: 'handwriting',
    ask: async (page, k) => {
      await page.locator('#handwriting textarea').fill('every stroke here is new');
      await write(page, '#handwriting input[type=number]', String(k));
      await page.click('#handwriting button.main');
    },
  },
];

/** The milliseconds of a result, as the page measured them. */
async function result(page: Page, {tab, ask}: Task, k: number): Promise<number> {
  const status = `#${tab} .status`;
  await page.evaluate((selector) => {
    document.querySelector<HTMLElement>(selector)!.dataset.verb = '';
  }, status);
  await ask(page, k);
  await page.waitForFunction(
    (selector) => {
      const {verb} = document.querySelector<HTMLElement>(selector)!.dataset;
      return verb && verb !== 'open';
    },
    status, {timeout: 120_000});
  return Number(await page.locator(status).getAttribute('data-milliseconds'));
}

const heap = (worker: Worker): Promise<number> =>
  worker.evaluate(() => (self as unknown as {heapBytes: () => number}).heapBytes());

const rows: string[] = [];
for (const task of TASKS) {
  const site = await serve();
  const browser = await launch();
  const page = await (await browser.newContext({reducedMotion: 'reduce', locale: 'en-US'})).newPage();
  await page.goto(`${site.url}#${task.tab}`);
  const cold = await result(page, task, 0);
  const bytes = site.sent();
  const times: number[] = [];
  for (let k = 1; k <= 10; k++) times.push(await result(page, task, k));
  const [worker] = page.workers();
  const before = await heap(worker);
  for (let k = 11; k <= RESULTS; k++) await result(page, task, k);
  const after = await heap(worker);
  times.sort((a, b) => a - b);
  const mb = (n: number) => (n / 1e6).toFixed(1);
  console.error(task.name, cold, times);
  rows.push(`| ${task.name} | ${mb(bytes)} | ${cold.toFixed(0)} | ${times[5].toFixed(0)} | ${mb(before)} | ${mb(after)} |`);
  await browser.close();
  site.close();
}
const page = readFileSync(join(WEB, 'dist/app.js')).length + readFileSync(join(WEB, 'dist/worker.js')).length;
console.log(`| | MB before the first result | cold, ms | warm, ms | heap after 11, MB | after ${RESULTS}, MB |`);
console.log('|---|---|---|---|---|---|');
console.log(rows.join('\n'));
console.log(`\nThe page's own scripts are ${Math.round(page / 1000)} kB.`);
process.exit(0);
