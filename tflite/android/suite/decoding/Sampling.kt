package lstm.decoding

import kotlin.math.exp
import kotlin.math.ln

/*
 * Functions on log-probabilities; masked symbols are negative infinity.
 */

const val MASKED = Float.NEGATIVE_INFINITY

/** Normalizes logits to log-probabilities; all masked stays so. */
fun logSoftmax(logits: FloatArray): FloatArray {
    val peak = logits.max()
    if (peak == MASKED) return logits.copyOf()
    val shifted = FloatArray(logits.size) { logits[it] - peak }
    val by = ln(shifted.sumOf { exp(it.toDouble()) }.toFloat().toDouble()).toFloat()
    return FloatArray(logits.size) { shifted[it] - by }
}

fun withTemperature(values: FloatArray, temperature: Double): FloatArray =
    if (temperature == 1.0) values
    else logSoftmax(FloatArray(values.size) { (values[it] / temperature).toFloat() })

/** Masks all but the k most probable symbols, ties with the k-th kept; 0 keeps all. */
fun keepTopK(values: FloatArray, k: Int): FloatArray {
    if (k !in 1 until values.size) return values
    val kth = values.sortedArray()[values.size - k]
    return FloatArray(values.size) { if (values[it] < kth) MASKED else values[it] }
}

/** Masks all but the smallest set of most probable symbols that reaches [p]; 1 keeps all. */
fun keepTopP(values: FloatArray, p: Double): FloatArray {
    if (p >= 1) return values
    val logs = logSoftmax(values)
    val result = FloatArray(values.size) { MASKED }
    var before = 0.0
    for ((place, k) in values.indices.sortedByDescending { values[it] }.withIndex()) {
        if (place > 0 && before >= p) break
        result[k] = values[k]
        before += exp(logs[k].toDouble()).toFloat()
    }
    return result
}

/** Draws a symbol with a number in [0, 1), by inverting the cumulative distribution. */
fun draw(values: FloatArray, uniform: Double): Int {
    val peak = values.max()
    val shares = values.map { exp((it - peak).toDouble()).toFloat() }
    val total = shares.sumOf { it.toDouble() }
    val point = minOf(uniform * total, total * (1 - Math.ulp(0.5)))
    var cumulative = 0.0
    for ((k, share) in shares.withIndex()) {
        cumulative += share
        if (cumulative > point) return k
    }
    return values.lastIndex
}

/** The symbols of the k largest values, in order; ties in index order. */
fun top(values: FloatArray, k: Int): List<Int> {
    val best = ArrayList<Int>(k + 1)
    for (index in values.indices) {
        val value = values[index]
        if (best.size == k && value <= values[best[k - 1]]) continue
        var place = best.size
        while (place > 0 && values[best[place - 1]] < value) place--
        best.add(place, index)
        if (best.size > k) best.removeAt(k)
    }
    return best
}
