/** Greedy decoding and sampling; see shared/decoding/rollout.py. */
import {InputError} from '../errors';
import {Random} from '../random';
import {Hypotheses, Hypothesis} from './hypotheses';
import {draw, keepTopK, keepTopP, top, withTemperature} from './sampling';

export async function rollout(rows: Hypotheses): Promise<void> {
  const {options} = rows.task;
  rows.fanOut(options.n_best);
  const uniform = rows.rows.map((_, slot) => {
    const random = new Random(options.seed, [0, slot]);
    return Float64Array.from({length: options.max_length}, () => random.uniform());
  });
  while (rows.running) {
    const found = await rows.logProbabilities();
    const next: Hypothesis[] = rows.rows.map((row, slot) => {
      const values = found.get(row);
      if (!values) return row;
      let [symbol] = top(values, 1);
      if (values[symbol] === -Infinity) {
        throw new InputError(`every symbol is forbidden after ${rows.t} symbols`);
      }
      if (options.strategy === 'sample') {
        const kept = keepTopK(withTemperature(values, options.temperature), options.top_k);
        symbol = draw(keepTopP(kept, options.top_p), uniform[slot][rows.t]);
      }
      return rows.extended(row, symbol, row.total + values[symbol]);
    });
    rows.replace(next);
  }
}
