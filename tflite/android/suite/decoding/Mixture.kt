package lstm.decoding

import kotlin.math.exp
import kotlin.math.sqrt
import kotlin.math.tanh
import lstm.Generator
import lstm.Random
import lstm.Tensors
import lstm.tensorOf

private const val LEAST_LOG_SIGMA = -5f
private const val MOST_CORRELATION = 0.95f

/** An offset, and whether the pen is lifted after it. */
class Point(val dx: Float, val dy: Float, val up: Boolean)

/** Sampled points, each with a row of attention weights. */
class PointResult(val points: List<Point>, val finished: Boolean, val attention: List<FloatArray>)

/** A mixture of normal densities with a probability bias. */
private class Mixture(parameters: FloatArray, private val bias: Float) {
    private val count = (parameters.size - 2) / 6
    private val parts = List(6) { parameters.copyOfRange(it * count, (it + 1) * count) }
    private val sharper = 1 + bias
    private val weights = logSoftmax(FloatArray(count) { parts[0][it] * sharper })
    private val up = sigmoid(parameters[6 * count] * sharper)
    private val end = sigmoid(parameters[6 * count + 1] * sharper)

    private fun sigma(part: FloatArray, k: Int): Float =
        exp((maxOf(part[k], LEAST_LOG_SIGMA) - bias).toDouble()).toFloat()

    /** Samples a point, and whether it is the last. */
    fun sample(random: Random): Pair<Point, Boolean> {
        val uniform = List(3) { random.uniform() }
        val across = random.normal()
        val other = random.normal()
        val k = draw(weights, uniform[0])
        val rho = MOST_CORRELATION * tanh(parts[5][k].toDouble()).toFloat()
        val along = rho * across + sqrt(1 - rho * rho) * other
        val lifted = uniform[1] < up
        val dx = (parts[1][k] + sigma(parts[3], k) * across).toFloat()
        val dy = (parts[2][k] + sigma(parts[4], k) * along).toFloat()
        return Point(dx, dy, lifted) to (lifted && uniform[2] < end)
    }
}

private fun sigmoid(x: Float): Double = 1 / (1 + exp(-x.toDouble()))

/** Encodes a condition and samples points until the model ends or there are [limit]. */
fun decodePoints(
    generator: Generator,
    condition: Tensors,
    bias: Double,
    seed: Long,
    limit: Int,
    progress: (Point) -> Unit = {},
): PointResult {
    val random = Random(seed)
    val encoded = generator.encode(condition)
    var state = encoded.state
    var last = Point(0f, 0f, up = true)
    val points = mutableListOf<Point>()
    val attention = mutableListOf<FloatArray>()
    var finished = false
    while (!finished && points.size < limit) {
        val symbol = tensorOf(last.dx, last.dy, if (last.up) 1f else 0f)
        val result = generator.step(mapOf("point" to symbol), state, encoded.memory)
        state = result.state
        val mixture = Mixture(result.outputs.getValue("mixture"), bias.toFloat())
        val (point, over) = mixture.sample(random)
        last = point
        finished = over
        points += point
        attention += result.outputs.getValue("attention")
        progress(point)
    }
    return PointResult(points, finished, attention)
}
