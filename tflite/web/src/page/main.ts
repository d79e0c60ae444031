/** The page: tabs, language, theme, and what keeps it working offline. */
import {captionPanel} from './caption';
import {h, select} from './dom';
import {language, t} from './i18n';
import type {App} from './messages';
import {musicPanel} from './music';
import './offline';
import {translatePanel} from './translate';
import {writePanel} from './write';

/** Of each bundle its license, and every file with its size; set by the build. */
declare const ABOUT: Record<App, {preset: string; license: string; note: string; commercial: boolean; bytes: number; files: string[]}>;

const PANELS: Record<App, () => HTMLElement> = {
  captioning: captionPanel, translation: translatePanel, music: musicPanel, handwriting: writePanel,
};
const NAMES = Object.keys(PANELS) as App[];

function tabs(): HTMLElement[] {
  const list = h('div', {role: 'tablist', 'aria-label': t('title')});
  const sections = NAMES.map((name) => h('section', {
    id: name, role: 'tabpanel', 'aria-labelledby': `tab-${name}`, hidden: true,
  }));
  const buttons = NAMES.map((name) => h('button', {
    id: `tab-${name}`, type: 'button', role: 'tab', 'aria-controls': name,
    onclick: () => choose(name),
  }, t(name)));
  function choose(name: App, focus = false): void {
    NAMES.forEach((other, k) => {
      const chosen = other === name;
      buttons[k].setAttribute('aria-selected', String(chosen));
      buttons[k].tabIndex = chosen ? 0 : -1;
      if (chosen && focus) buttons[k].focus();
      sections[k].hidden = !chosen;
      if (chosen && !sections[k].childElementCount) sections[k].append(PANELS[name](), about(name));
    });
    history.replaceState(null, '', `#${name}`);
  }
  list.addEventListener('keydown', (event) => {
    const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!by) return;
    const now = NAMES.findIndex((_, k) => buttons[k].tabIndex === 0);
    choose(NAMES[(now + by + NAMES.length) % NAMES.length], true);
  });
  list.append(...buttons);
  const asked = location.hash.slice(1) as App;
  queueMicrotask(() => choose(NAMES.includes(asked) ? asked : 'translation'));
  addEventListener('hashchange', () => {
    const name = location.hash.slice(1) as App;
    if (NAMES.includes(name)) choose(name);
  });
  return [list, ...sections];
}

function about(name: App): HTMLElement {
  const {preset, license, note, commercial, bytes} = ABOUT[name];
  return h('details', {className: 'about'},
    h('summary', {}, `${t('model')}: ${preset}, ${(bytes / 1e6).toFixed(1)} MB`),
    h('p', {lang: 'en'}, `${t('license')}: ${license}${commercial ? '' : `, ${t('noncommercial')}`}. ${note}`));
}

function header(): HTMLElement {
  const languages = select([['en', 'English'], ['de', 'Deutsch']], language, () => {
    localStorage.setItem('language', languages.value);
    location.reload();
  });
  languages.setAttribute('aria-label', t('language'));
  const theme = h('button', {
    type: 'button', className: 'icon', title: t('theme'), 'aria-label': t('theme'),
    onclick: () => {
      const dark = getComputedStyle(document.documentElement).colorScheme === 'dark'
        || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
      setTheme(dark ? 'light' : 'dark');
    },
  }, '◐');
  return h('header', {}, h('div', {}, h('h1', {}, t('title')), h('p', {}, t('lead'))),
    h('div', {className: 'settings'}, languages, theme));
}

function setTheme(theme: string): void {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem('theme', theme);
  document.dispatchEvent(new Event('theme'));
}

function footer(): HTMLElement {
  const files = NAMES.flatMap((name) => ABOUT[name].files);
  const bytes = NAMES.reduce((sum, name) => sum + ABOUT[name].bytes, 0);
  const keep = h('button', {
    type: 'button',
    onclick: async () => {
      keep.disabled = true;
      for (const file of files) await (await fetch(file)).arrayBuffer();
      keep.textContent = t('offlineDone');
    },
  }, `${t('offline')} (${(bytes / 1e6).toFixed(0)} MB)`);
  return h('footer', {}, h('p', {}, t('source')), 'serviceWorker' in navigator && keep);
}

document.documentElement.lang = language;
document.title = `LSTM suite: ${t('title')}`;
const stored = localStorage.getItem('theme');
if (stored) document.documentElement.dataset.theme = stored;
document.body.replaceChildren(header(), h('main', {}, ...tabs()), footer());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  document.dispatchEvent(new Event('theme')));
