/** Stops a task that runs: between steps it lets messages in, and ends if one said so. */
export class Stopped extends Error {}

const EVERY = 25; // milliseconds

export class Signal {
  stopped = false;
  private last = Date.now();

  async check(): Promise<void> {
    if (Date.now() - this.last > EVERY) {
      await new Promise((resume) => setTimeout(resume));
      this.last = Date.now();
    }
    if (this.stopped) throw new Stopped();
  }
}
