/** Beam search with the scores of GNMT; see shared/decoding/beam.py. */
import {Hypotheses, Hypothesis} from './hypotheses';
import {top} from './sampling';

interface Candidate {
  row: Hypothesis;
  symbol: number | null; // null for a frozen row, which stays as it is
  total: number;
  score: number;
}

export async function beamSearch(beam: Hypotheses): Promise<void> {
  const {options, end, prefix} = beam.task;
  const width = options.beam_size;
  const longest = options.max_length - (prefix?.length ?? 0);
  while (beam.running) {
    const found = await beam.logProbabilities();
    const candidates: Candidate[] = [];
    for (const row of beam.rows) {
      const values = found.get(row);
      if (!values) {
        const score = beam.score(row.total, row.scored) + beam.coverageScore(row);
        candidates.push({row, symbol: null, total: row.total, score});
        continue;
      }
      for (const symbol of top(values, Math.min(width + 1, values.length))) {
        if (values[symbol] === -Infinity) break;
        const total = row.total + values[symbol];
        let score = beam.score(total, row.scored + 1);
        if (symbol === end || beam.t + 1 === options.max_length) score += beam.coverageScore(row);
        candidates.push({row, symbol, total, score});
      }
    }
    // Array.sort is stable, as the argsort in Python.
    const picked = candidates.sort((a, b) => b.score - a.score).slice(0, width);
    beam.replace(picked.map(({row, symbol, total}) =>
      symbol === null ? row : beam.extended(row, symbol, total)));
    if (settled(beam, picked, longest)) break;
  }
}

/** Whether the results are final: log-probabilities only fall, so the scores of live rows are
 * bounded. */
function settled(beam: Hypotheses, picked: Candidate[], longest: number): boolean {
  const count = beam.task.options.n_best;
  if (beam.rows.length < count || beam.rows.slice(0, count).some((row) => row.state)) return false;
  const bound = Math.max(...beam.live.map((row) => beam.score(row.total, longest)), -Infinity);
  return picked[count - 1].score >= bound;
}
