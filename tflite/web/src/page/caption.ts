/** The tab that captions photos. */
import {squared} from '../apps/captioning/photos';
import type {Caption} from '../apps/captioning/caption';
import {h, reveal, select, still} from './dom';
import {isWord, t} from './i18n';
import {Status} from './status';

declare const PHOTOS: string[]; // set by the build
const LARGEST = 1280; // pixels of a side that is shown
const PAUSE = 420; // milliseconds from word to word

export function captionPanel(): HTMLElement {
  const status = new Status();
  const photo = h('canvas', {width: 640, height: 400, role: 'img', 'aria-label': t('photoAlt')});
  const glow = h('canvas', {className: 'glow', 'aria-hidden': 'true'});
  const video = h('video', {hidden: true, playsInline: true, muted: true});
  const frame = h('div', {className: 'photo', hidden: true}, photo, glow);
  const words = h('p', {className: 'caption', lang: 'en'});
  const spoken = h('p', {className: 'hidden', 'aria-live': 'polite'});
  const hint = h('p', {className: 'hint', hidden: true}, t('captionHint'));
  const others = h('details', {hidden: true});
  const languages = h('span', {});
  let language: HTMLSelectElement | undefined;
  let timer = 0;

  /** Lays the attention weights of a word over the photo. */
  function show(weights: Float32Array | null): void {
    const side = weights ? Math.round(weights.length ** 0.5) : 1;
    const most = weights ? Math.max(...weights) : 1;
    const cells = new ImageData(side, side);
    weights?.forEach((weight, k) => (cells.data[4 * k + 3] = 220 * (1 - weight / most)));
    const small = h('canvas', {width: side, height: side});
    small.getContext('2d')!.putImageData(cells, 0, 0);
    [glow.width, glow.height] = [photo.width, photo.height];
    const context = glow.getContext('2d')!;
    context.imageSmoothingQuality = 'high';
    if (weights) context.drawImage(small, 0, 0, glow.width, glow.height);
  }

  function tell(found: Caption[]): void {
    const [best, ...rest] = found;
    words.replaceChildren();
    spoken.textContent = best.text;
    reveal(words);
    words.lang = language?.value ?? 'en';
    hint.hidden = false;
    others.hidden = false;
    others.replaceChildren(
      h('summary', {}, t('others')), h('ul', {}, ...rest.map(({text}) => h('li', {}, text))));
    const said = best.text.split(' ');
    const chips = best.words.map((word, k) => {
      const chip = h('button', {
        type: 'button', className: 'word',
        onpointerenter: () => pick(k), onfocus: () => pick(k), onclick: () => pick(k),
        onpointerleave: () => pick(-1), onblur: () => pick(-1),
      }, said.length === best.words.length ? said[k] : word);
      return chip;
    });
    function pick(k: number): void {
      clearTimeout(timer);
      for (const chip of chips) if (!chip.isConnected) words.append(chip, ' ');
      chips.forEach((chip, n) => chip.classList.toggle('on', n === k));
      show(k < 0 ? null : best.attention[k]);
    }
    if (still()) return pick(-1);
    const next = (k: number) => {
      if (k === chips.length) return pick(-1);
      words.append(chips[k], ' ');
      chips.forEach((chip, n) => chip.classList.toggle('on', n === k));
      show(best.attention[k]);
      timer = window.setTimeout(next, PAUSE, k + 1);
    };
    next(0);
  }

  async function use(source: Blob | HTMLVideoElement): Promise<void> {
    clearTimeout(timer);
    words.replaceChildren();
    others.hidden = hint.hidden = true;
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(source, source instanceof Blob
        ? {imageOrientation: 'from-image', colorSpaceConversion: 'none', premultiplyAlpha: 'none'}
        : {});
    } catch {
      return status.say(t('noPhoto'), true);
    }
    const {width, height} = bitmap;
    const whole = new OffscreenCanvas(width, height);
    const context = whole.getContext('2d', {willReadFrequently: true})!;
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    const scale = Math.min(1, LARGEST / Math.max(width, height));
    [photo.width, photo.height] = [Math.round(width * scale), Math.round(height * scale)];
    photo.getContext('2d')!.drawImage(whole, 0, 0, photo.width, photo.height);
    frame.hidden = false;
    show(null);
    const facts = await status.run('open', {app: 'captioning'});
    if (!facts) return;
    if (!language && facts.languages!.length > 1) {
      language = select(facts.languages!.map((l) => [l, isWord(l) ? t(l) : l]), undefined, () => use(source));
      languages.append(h('label', {className: 'field'}, t('captionLanguage'), language));
    }
    const {data} = context.getImageData(0, 0, width, height);
    const square = squared(data, width, height, facts.size!, facts.fit ?? 'squash');
    const found = await status.run('caption', {photo: square, language: language?.value});
    if (found) tell(found);
  }

  async function camera(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
      video.srcObject = stream;
      video.hidden = shoot.hidden = false;
      await video.play();
      shoot.onclick = async () => {
        await use(video);
        stream.getTracks().forEach((track) => track.stop());
        video.hidden = shoot.hidden = true;
      };
    } catch {
      status.say(t('noCamera'), true);
    }
  }

  const file = h('input', {
    type: 'file', accept: 'image/*', className: 'hidden', tabIndex: -1, id: 'photo-file',
    onchange: () => {
      const chosen = file.files?.[0];
      file.value = ''; // so that the same file can be chosen again
      if (chosen) void use(chosen);
    },
  });
  const shoot = h('button', {type: 'button', className: 'main', hidden: true}, t('shoot'));
  const pictures = PHOTOS.map((name) => h('button', {
    type: 'button', className: 'sample',
    onclick: async () => use(await (await fetch(`samples/${name}`)).blob()),
  }, h('img', {src: `samples/${name}`, alt: name.replace('.jpg', ''), width: 72, height: 72})));
  const zone = h('div', {className: 'zone'},
    h('p', {}, t('drop')),
    h('p', {className: 'buttons'},
      h('button', {type: 'button', className: 'main', onclick: () => file.click()}, t('choose')),
      h('button', {type: 'button', onclick: camera}, t('camera'))),
    file, video, shoot,
    h('p', {className: 'hint'}, t('examples')),
    h('div', {className: 'samples'}, ...pictures));
  const panel = h('div', {className: 'two'},
    h('div', {}, zone, languages),
    h('div', {className: 'result'}, frame, words, spoken, hint, others, status.element));
  panel.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  panel.addEventListener('dragleave', () => zone.classList.remove('over'));
  panel.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    const dropped = event.dataTransfer?.files[0];
    if (dropped) use(dropped);
  });
  document.addEventListener('paste', (event) => {
    const pasted = [...event.clipboardData?.files ?? []].find((f) => f.type.startsWith('image/'));
    if (pasted && panel.checkVisibility()) use(pasted);
  });
  return panel;
}
