/** Keeps the page, the runtime and the models that were used, so that all works offline. */
interface WorkerScope {
  addEventListener(name: 'install' | 'activate' | 'fetch', listener: (event: Lifecycle) => void): void;
  skipWaiting(): Promise<void>;
  clients: {claim(): Promise<void>};
  location: Location;
}
interface Lifecycle {
  waitUntil(promise: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
  request: Request;
}

/** The page's files, a hash of them, and the models' files; set by the build. */
declare const SHELL: string[];
declare const VERSION: string;
declare const MODELS: string[];

const scope = self as unknown as WorkerScope;
const SHELL_CACHE = `page ${VERSION}`;
const MODEL_CACHE = 'models';

scope.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(SHELL_CACHE);
    await cache.addAll(SHELL.map((file) => new Request(file, {cache: 'reload'})));
    await scope.skipWaiting();
  })());
});

scope.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== SHELL_CACHE && name !== MODEL_CACHE) await caches.delete(name);
    }
    const cache = await caches.open(MODEL_CACHE);
    const current = new Set(MODELS.map((file) => new URL(file, scope.location.href).href));
    for (const request of await cache.keys()) {
      if (!current.has(request.url)) await cache.delete(request); // an older model
    }
    await scope.clients.claim();
  })());
});

scope.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== scope.location.origin) return;
  event.respondWith((async () => {
    const found = await caches.match(event.request, {ignoreSearch: false});
    if (found) return found;
    const response = await fetch(event.request);
    const name = /\/(models|wasm)\//.exec(url.pathname)?.[1];
    if (response.ok && name) {
      const cache = await caches.open(name === 'models' ? MODEL_CACHE : SHELL_CACHE);
      await cache.put(event.request, response.clone());
    }
    return response;
  })());
});
