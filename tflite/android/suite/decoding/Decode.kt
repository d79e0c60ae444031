package lstm.decoding

import lstm.InputError
import lstm.Random
import lstm.Tensors

/** Encodes a condition and decodes it; returns the `nBest` results, best first. */
fun decode(condition: Tensors, task: Task): List<DecodingResult> {
    val hypotheses = Hypotheses(task, task.generator.encode(condition))
    val beam = task.options.strategy == Strategy.BEAM && task.options.beamSize > 1
    if (beam) beamSearch(hypotheses) else rollout(hypotheses)
    return hypotheses.results()
}

/** Greedy decoding and sampling. */
private fun rollout(hypotheses: Hypotheses) {
    val options = hypotheses.task.options
    hypotheses.fanOut(options.nBest)
    val uniform = List(options.nBest) { slot ->
        val random = Random(options.seed, 0, slot.toLong())
        DoubleArray(options.maxLength) { random.uniform() }
    }
    while (hypotheses.running) {
        val found = hypotheses.logProbabilities()
        val t = hypotheses.t
        hypotheses.replace(hypotheses.rows.mapIndexed { slot, row ->
            val values = found[slot] ?: return@mapIndexed row
            var symbol = top(values, 1).single()
            if (values[symbol] == MASKED) {
                throw InputError("every symbol is forbidden after $t symbols")
            }
            if (options.strategy == Strategy.SAMPLE) {
                val kept = keepTopK(withTemperature(values, options.temperature), options.topK)
                symbol = draw(keepTopP(kept, options.topP), uniform[slot][t])
            }
            hypotheses.extended(row, symbol, row.total + values[symbol])
        })
    }
}

/** `symbol` is null for a frozen row, which stays as it is. */
private data class Candidate(
    val row: Hypothesis,
    val symbol: Int?,
    val total: Double,
    val score: Double,
)

/** Beam search with the scores of GNMT. */
private fun beamSearch(beam: Hypotheses) {
    val options = beam.task.options
    while (beam.running) {
        val found = beam.logProbabilities()
        val candidates = beam.rows.flatMapIndexed { k, row ->
            val values = found[k]
            if (values == null) {
                listOf(Candidate(row, null, row.total, beam.score(row)))
            } else {
                top(values, options.beamSize + 1).filter { values[it] > MASKED }.map { symbol ->
                    val total = row.total + values[symbol]
                    val last = symbol == beam.task.end || beam.t + 1 == options.maxLength
                    val coverage = if (last) beam.coverageScore(row) else 0.0
                    Candidate(row, symbol, total, beam.score(total, row.scored + 1) + coverage)
                }
            }
        }
        val picked = candidates.sortedByDescending { it.score }.take(options.beamSize)
        beam.replace(picked.map { (row, symbol, total) ->
            if (symbol == null) row else beam.extended(row, symbol, total)
        })
        if (isSettled(beam, picked)) break
    }
}

/** Whether the results are final: log-probabilities only fall, so live rows' scores are bounded. */
private fun isSettled(beam: Hypotheses, picked: List<Candidate>): Boolean {
    val options = beam.task.options
    val best = beam.rows.take(options.nBest)
    if (best.size < options.nBest || best.any { it.state != null }) return false
    val live = beam.rows.filter { it.state != null }
    return live.all { beam.score(it.total, options.maxLength) <= picked[options.nBest - 1].score }
}
