package lstm.decoding

import lstm.Generator
import lstm.InputError
import lstm.Tensors

/** A sequence so far; `state` is null once it has ended. */
data class Hypothesis(
    val state: Tensors?,
    val symbols: List<Int> = emptyList(),
    val attention: List<FloatArray> = emptyList(),
    val coverage: FloatArray? = null,
    val total: Double = 0.0,
    val scored: Int = 0,
)

/** The hypotheses of one item. */
class Hypotheses(val task: Task, encoded: Generator.Encoded) {
    private val memory = encoded.memory
    private val options = task.options
    var rows = listOf(Hypothesis(encoded.state))
        private set
    var t = 0
        private set

    val running: Boolean get() = t < options.maxLength && rows.any { it.state != null }

    /** Makes every row one that begins as the first. */
    fun fanOut(width: Int) {
        rows = List(width) { rows.first() }
    }

    /** Steps the live rows; returns their log-probabilities with all rules applied. */
    fun logProbabilities(): List<FloatArray?> {
        val results = rows.map { row ->
            val last = row.symbols.lastOrNull() ?: task.start
            row.state?.let { task.generator.step(task.inputs(t, last), it, memory) }
        }
        rows = rows.zip(results) { row, result -> result?.let { stepped(row, it) } ?: row }
        return rows.zip(results) { row, result ->
            val values = logSoftmax((result ?: return@zip null).outputs.getValue("logits"))
            task.constraint?.invoke(row.symbols, values)
            blockRepeatedNgrams(values, row.symbols, options.noRepeatNgram)
            if (t < options.minLength) values[task.end] = MASKED
            values
        }
    }

    private fun stepped(row: Hypothesis, result: Generator.Stepped): Hypothesis {
        val weights = result.outputs["attention"] ?: return row.copy(state = result.state)
        val before = row.coverage ?: FloatArray(weights.size)
        return row.copy(
            state = result.state,
            attention = row.attention + listOf(weights),
            coverage = FloatArray(weights.size) { before[it] + weights[it] },
        )
    }

    /** Continues with other rows. */
    fun replace(next: List<Hypothesis>) {
        rows = next
        t++
        next.firstOrNull()?.let { task.progress(it.symbols) }
    }

    /** A hypothesis with one symbol more; it lives unless that is the end. */
    fun extended(row: Hypothesis, symbol: Int, total: Double): Hypothesis {
        val more = row.copy(total = total, scored = row.scored + 1)
        if (symbol == task.end) return more.copy(state = null)
        return more.copy(symbols = row.symbols + symbol)
    }

    fun score(total: Double, length: Int): Double =
        total / lengthPenalty(length, options.lengthPenalty)

    fun score(row: Hypothesis): Double = score(row.total, row.scored) + coverageScore(row)

    fun coverageScore(row: Hypothesis): Double =
        if (options.coveragePenalty == 0.0) 0.0
        else row.coverage?.let { coveragePenalty(it, options.coveragePenalty) } ?: 0.0

    /** The best, in order. */
    fun results(): List<DecodingResult> {
        val ranked = rows.filter { it.total > Double.NEGATIVE_INFINITY }.map { row ->
            DecodingResult(
                symbols = row.symbols,
                score = score(row),
                logProbability = row.total,
                finished = row.state == null,
                attention = row.attention.take(row.symbols.size),
            )
        }
        if (ranked.isEmpty()) throw InputError("every symbol is forbidden; loosen the constraint")
        return ranked.sortedByDescending { it.score }.take(options.nBest)
    }
}
