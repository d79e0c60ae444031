/** The page's side of the worker. */
import type {Reply, Verb, Verbs} from './messages';
import {ready} from './offline';

export interface Listener<V extends Verb> {
  loading?: (received: number, total: number) => void;
  partial?: (value: Verbs[V]['partial']) => void;
}

export class Cancelled extends Error {}

let worker: Worker | undefined;
let count = 0;
const waiting = new Map<number, (reply: Reply) => void>();

function start(): Worker {
  if (worker) return worker;
  worker = new Worker('worker.js');
  worker.onmessage = ({data}: MessageEvent<Reply>) => waiting.get(data.id)?.(data);
  worker.onerror = (event) => {
    const message = event.message || 'the worker could not be started';
    for (const [id, reply] of waiting) reply({id, kind: 'failed', message, stopped: false});
    worker = undefined;
  };
  return worker;
}

/** Runs a verb in the worker; `stop` ends it, and then the promise fails with `Cancelled`. */
export function call<V extends Verb>(verb: V, args: Verbs[V]['args'], listener: Listener<V> = {}) {
  const id = ++count;
  const result = new Promise<Verbs[V]['result']>((resolve, reject) => {
    waiting.set(id, (reply) => {
      if (reply.kind === 'loading') listener.loading?.(reply.received, reply.total);
      else if (reply.kind === 'partial') listener.partial?.(reply.value as Verbs[V]['partial']);
      else {
        waiting.delete(id);
        if (reply.kind === 'failed') reject(reply.stopped ? new Cancelled() : new Error(reply.message));
        else resolve(reply.value as Verbs[V]['result']);
      }
    });
    void ready.then(() => start().postMessage({id, verb, args}));
  });
  return {result, stop: () => void ready.then(() => start().postMessage({id, verb: 'stop'}))};
}
