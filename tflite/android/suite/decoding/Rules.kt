package lstm.decoding

import kotlin.math.ln
import kotlin.math.pow

/** The divisor of log-probabilities, Wu et al., 2016, eq. 14. */
fun lengthPenalty(length: Int, alpha: Double): Double = ((5 + length) / 6.0).pow(alpha)

/** The coverage penalty of summed attention weights, at most 0. */
fun coveragePenalty(attention: FloatArray, beta: Double): Double =
    beta * attention.filter { it > 0 }.sumOf { ln(minOf(it, 1f).toDouble()) }

/** Masks each symbol that would complete an n-gram already there, in place; 0 is off. */
fun blockRepeatedNgrams(values: FloatArray, prefix: List<Int>, n: Int) {
    if (n == 0 || prefix.size < n) return
    val last = prefix.takeLast(n - 1)
    for (gram in prefix.windowed(n)) if (gram.dropLast(1) == last) values[gram.last()] = MASKED
}
