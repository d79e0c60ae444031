/** The line of a panel that says what goes on: loading, working, done, failed. */
import {call, Cancelled} from './client';
import type {Listener} from './client';
import {h} from './dom';
import {t} from './i18n';
import type {Verb, Verbs} from './messages';

const MB = 1e6;

export class Status {
  private readonly text = h('span', {});
  private readonly bar = h('progress', {hidden: true, max: 1, value: 0, 'aria-label': t('loading')});
  private readonly ending = h('button', {type: 'button', hidden: true, onclick: () => this.stop()}, t('stop'));
  readonly element = h('div', {className: 'status'},
    h('span', {role: 'status'}, this.text), this.ending, this.bar);
  private current: {stop: () => void} | undefined;
  private turn = 0;

  say(text: string, failed = false): void {
    this.text.textContent = text;
    this.element.classList.toggle('failed', failed);
  }

  stop(): void {
    this.current?.stop();
  }

  /** Runs a verb, and ends the one before; undefined if it was stopped or failed. */
  async run<V extends Verb>(
    verb: V, args: Verbs[V]['args'], partial?: Listener<V>['partial'], working = t('working'),
  ): Promise<Verbs[V]['result'] | undefined> {
    this.stop();
    const turn = ++this.turn;
    const mine = () => turn === this.turn;
    const begun = performance.now();
    let loaded = begun;
    this.say(working);
    const task = call(verb, args, {
      loading: (received, total) => {
        loaded = performance.now();
        if (!mine()) return;
        this.bar.hidden = received >= total;
        this.bar.value = received / total;
        this.say(received < total
          ? `${t('loading')} ${(received / MB).toFixed(1)} / ${(total / MB).toFixed(1)} MB`
          : working);
      },
      partial: (value) => mine() && partial?.(value),
    });
    this.current = task;
    this.ending.hidden = verb === 'translate';
    try {
      const result = await task.result;
      if (!mine()) return undefined;
      const took = performance.now() - loaded;
      this.element.dataset.milliseconds = String(Math.round(performance.now() - begun));
      this.element.dataset.verb = verb;
      this.say(verb === 'open' ? '' : `${(took / 1000).toFixed(took < 1000 ? 2 : 1)} s`);
      return result;
    } catch (error) {
      if (mine()) this.say(error instanceof Cancelled ? t('stopped') : (error as Error).message, !(error instanceof Cancelled));
      return undefined;
    } finally {
      if (mine()) {
        this.bar.hidden = this.ending.hidden = true;
        this.current = undefined;
      }
    }
  }
}
