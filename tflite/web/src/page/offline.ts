/** Registers the service worker; `ready` waits for it, for what is loaded before is not kept. */
const LONGEST = 3000; // milliseconds

export const ready: Promise<unknown> = register();

async function register(): Promise<unknown> {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container || container.controller) return container?.register('sw.js').catch(() => undefined);
  const controlled = new Promise((resolve) => {
    container.addEventListener('controllerchange', resolve, {once: true});
    setTimeout(resolve, LONGEST);
  });
  return container.register('sw.js').then(() => controlled, () => undefined);
}
