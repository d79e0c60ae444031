/** Small helpers to build the page. */
type Child = Node | string | null | undefined | false;
type Attributes = Record<string, unknown>;

/** An element; attributes that begin with "on" are listeners, properties are set as such. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value as EventListener);
    else if (name in element && !name.startsWith('aria') && name !== 'list') {
      (element as unknown as Attributes)[name] = value;
    } else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A label with its control below. */
export function field(label: string, control: HTMLElement, hint?: HTMLElement): HTMLElement {
  const text = h('span', {className: 'label'}, label, hint ? ' ' : null, hint);
  return h('label', {className: 'field'}, text, control);
}

export interface Slider {
  element: HTMLElement;
  value: () => number;
}

/** A slider that shows its value. */
export function slider(
  label: string, [min, max, step, value]: [number, number, number, number],
  shown: (value: number) => string = String,
  changed: () => void = () => {},
): Slider {
  const output = h('output', {}, shown(value));
  const input = h('input', {
    type: 'range', min, max, step, value,
    oninput: () => {
      output.textContent = shown(Number(input.value));
      input.setAttribute('aria-valuetext', output.textContent);
      changed();
    },
  });
  input.setAttribute('aria-valuetext', shown(value));
  return {element: field(label, input, output), value: () => Number(input.value)};
}

export function select(options: [string, string][], chosen?: string, changed?: () => void): HTMLSelectElement {
  const element = h('select', {onchange: () => changed?.()});
  for (const [value, text] of options) {
    element.append(h('option', {value, selected: value === chosen}, text));
  }
  return element;
}

/** Saves bytes as a file. */
export function save(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], {type}));
  h('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Scrolls to a result that is below the window, as on a phone. */
export function reveal(element: HTMLElement): void {
  element.scrollIntoView({block: 'nearest', behavior: still() ? 'auto' : 'smooth'});
}

export const still = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

const probe = h('span', {hidden: true});

/** A color of the stylesheet as a canvas takes it. */
export function color(name: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
