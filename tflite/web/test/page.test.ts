import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import type {Browser, Page} from 'playwright-core';
import {readMidi} from '../src/apps/music/midi';
import {melodyOf} from '../src/apps/music/sheet';
import {chromiumPath, launch, serve} from './browser';
import type {Site} from './browser';
import {goldens, WEB} from './runtime';

const skip = !chromiumPath && !process.env.CI && 'no Chromium';
const MINUTE = 60_000; // a busy machine takes that long
let site: Site;
let browser: Browser;
let page: Page;
const elsewhere: string[] = [];
const errors: string[] = [];

before(async () => {
  if (skip) return;
  site = await serve();
  browser = await launch();
  const context = await browser.newContext({viewport: {width: 390, height: 844}, locale: 'en-US', reducedMotion: 'reduce'});
  page = await context.newPage();
  page.setDefaultTimeout(2 * MINUTE);
  context.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(site.url) && !/^(data|blob):/.test(url)) elsewhere.push(url);
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(site.url);
});

after(async () => {
  await browser?.close();
  site?.close();
});

const set = (selector: string, value: string) => page.locator(selector).evaluate((element, v) => {
  (element as HTMLInputElement).value = v;
  element.dispatchEvent(new Event('input', {bubbles: true}));
  element.dispatchEvent(new Event('change', {bubbles: true}));
}, value);

async function open(name: string) {
  await page.click(`#tab-${name}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${name} is ${wide} pixels wide`);
  return page.locator(`#${name}`);
}

async function saved(button: string): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return readFileSync((await download.path())!);
}

test('a text is translated as it is typed, and the attention is shown', {skip}, async () => {
  await open('translation');
  const {text, n_best: [[expected]]} = goldens.translations[0];
  await page.fill('#source', text);
  const output = page.locator('.translation');
  await page.waitForFunction((said) => document.querySelector('.translation')?.textContent === said, expected);
  assert.equal(await output.getAttribute('lang'), 'de');
  await page.locator('.sentence button.piece').first().focus();
  const weights = await page.locator('.sentence span.piece').evaluateAll((chips) =>
    chips.map((chip) => Number((chip as HTMLElement).style.getPropertyValue('--weight'))));
  assert.ok(Math.max(...weights) > 0.3 && weights.length > 3, String(weights));
});

test('photos get the captions that Python gives them', {skip}, async () => {
  await open('captioning');
  for (const [name, expected] of Object.entries(goldens.captions.samples)) {
    const photo = join(WEB, '../../apps/captioning/samples', name);
    await page.setInputFiles('#photo-file', photo);
    await page.waitForFunction((said) =>
      document.querySelector('.caption')?.textContent?.trim() === said, expected as string);
  }
  await page.setInputFiles('#photo-file', join(WEB, 'package.json'));
  await page.waitForFunction(() => document.querySelector('#captioning .failed'));
});

test('a chorale has the notes of its seed, and is saved as MIDI', {skip}, async () => {
  const panel = await open('music');
  const [{bars, pitches}] = goldens.music.composed;
  await set('#music input[min="2"]', String(bars));
  await panel.getByRole('button', {name: 'Compose'}).click();
  await page.waitForSelector('#music .roll canvas');
  const melody = melodyOf(readMidi(await saved('#music button:text("Save MIDI")')));
  assert.deepEqual(melody.pitches.map((row) => row[0]), pitches.map((row: number[]) => row[0]));
  await panel.getByRole('button', {name: 'Play'}).click();
  await panel.getByRole('button', {name: 'Stop'}).click();
  await panel.getByRole('button', {name: 'Harmonize'}).click();
  await page.waitForFunction(() => / s$/.test(document.querySelector('#music [role=status]')?.textContent ?? ''));
});

test('a text is written in the strokes of its seed, and is saved as SVG', {skip}, async () => {
  const panel = await open('handwriting');
  const {text, bias, seed, svg} = goldens.writing.written[2];
  await panel.locator('textarea').fill(text);
  await panel.locator('select').selectOption('any');
  await set('#handwriting input[max="2.5"]', String(bias));
  await set('#handwriting input[type=number]', String(seed));
  await panel.getByRole('button', {name: 'Write', exact: true}).click();
  await page.waitForSelector('#handwriting button:text("Save SVG")');
  const numbers = (drawn: string) => (drawn.match(/-?\d+\.\d+/g) ?? []).map(Number);
  const got = numbers((await saved('#handwriting button:text("Save SVG")')).toString());
  const expected = numbers(svg);
  assert.equal(got.length, expected.length);
  got.forEach((number, k) => assert.ok(Math.abs(number - expected[k]) < 0.03));
  const png = await saved('#handwriting button:text("Save PNG")');
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
});

test('tabs follow the arrow keys, and the page speaks German', {skip}, async () => {
  await page.locator('#tab-captioning').click();
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('[role=tab][aria-selected=true]').getAttribute('id'), 'tab-translation');
  await page.locator('header select').selectOption('de');
  await page.waitForSelector('text=Übersetzen');
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');
});

test('it works offline, and no request leaves its origin', {skip}, async () => {
  site.close();
  await page.context().setOffline(true);
  await page.reload();
  await open('translation');
  await page.locator('#translation select').first().selectOption('en');
  const {text, n_best: [[expected]]} = goldens.translations[0];
  await page.fill('#source', text);
  await page.waitForFunction((said) => document.querySelector('.translation')?.textContent === said, expected);
  assert.deepEqual([elsewhere, errors], [[], []]);
});
