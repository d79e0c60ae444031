/** The decoding loop for one item; see `decode` of shared/decoding. */
import {release} from '../generator';
import type {Arrays} from '../generator';
import {beamSearch} from './beam';
import {Hypotheses} from './hypotheses';
import type {Task} from './hypotheses';
import type {DecodingResult} from './options';
import {rollout} from './rollout';

/** Encodes a condition and decodes it; returns the `n_best` results, best first. */
export async function decode(condition: Arrays, task: Task): Promise<DecodingResult[]> {
  const {state, memory} = await task.generator.encode(condition);
  const hypotheses = new Hypotheses(task, memory);
  try {
    await hypotheses.begin(state);
    await (task.options.strategy === 'beam' ? beamSearch : rollout)(hypotheses);
    return hypotheses.results();
  } finally {
    hypotheses.dispose();
    release(memory);
  }
}
