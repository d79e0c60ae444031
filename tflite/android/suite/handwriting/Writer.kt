package lstm.handwriting

import kotlin.math.hypot
import lstm.Generator
import lstm.InputError
import lstm.decoding.Point
import lstm.decoding.PointResult
import lstm.decoding.decodePoints
import lstm.maskOf
import lstm.tensorOf

private const val DRAWS = 6
private const val HIGHEST = 5.5
private const val LOWEST = -3.5
private const val LONGEST = 5.0
private const val MOST_POINTS = 3.5
private const val SKIPPED = 0.15
private const val LEFT = 0.45

/** A written line, and the checks that it fails: unfinished, runaway, skipped or lost. */
class Line(val text: String, val points: List<Point>, val problems: List<String>, val draws: Int)

/** Writes lines by hand. */
class Writer(private val generator: Generator) {
    private val config = generator.bundle.config
    private val length = config["length"].int
    private val rate = config["points_per_character"].number

    /** Names of the styles; their numbers are places here. */
    val styles: List<String> = styleNames(config["styles"].list.map { it.text })

    /** Writes lines, none empty; each is tried again while it fails a check. */
    fun write(
        texts: List<String>,
        style: Int,
        bias: Double,
        seed: Long,
        progress: (Point) -> Unit = {},
    ): List<Line> = texts.mapIndexed { index, text ->
        // The first line has a count of its own, as in Python: there it decides on the hand.
        val base = if (index > 0) seedOf(seed, 1, 0) else seed
        lateinit var best: Line
        for (draw in 0 until DRAWS) {
            val own = seedOf(base, maxOf(index - 1, 0), draw)
            val line = writeOnce(text, style, bias, own, progress)
            if (draw == 0 || line.problems.size < best.problems.size) best = line
            best = Line(text, best.points, best.problems, draw + 1)
            if (best.problems.isEmpty()) break
        }
        best
    }

    private fun seedOf(seed: Long, line: Int, draw: Int) = seed + 1009L * line + 100_003L * draw

    private fun writeOnce(
        text: String,
        style: Int,
        bias: Double,
        seed: Long,
        progress: (Point) -> Unit,
    ): Line {
        if (text.length > length) {
            throw InputError("${text.length} characters, the model writes $length; split the line")
        }
        val condition = mapOf(
            "text" to tensorOf(*symbolsOf(text).toIntArray().copyOf(length)),
            "text_mask" to maskOf(text.length, length),
            "style" to tensorOf(style),
        )
        val limit = (MOST_POINTS * rate * (text.length + 3)).toInt()
        val drawn = decodePoints(generator, condition, bias, seed, limit, progress)
        val count = endOfText(text, drawn)
        val points = drawn.points.take(count)
        val problems = problemsOf(text, points, drawn.attention.take(count), drawn.finished)
        return Line(text, points, problems, draws = 1)
    }
}

private fun problemsOf(
    text: String,
    points: List<Point>,
    attention: List<FloatArray>,
    finished: Boolean,
): List<String> = buildList {
    if (!finished) add("unfinished")
    var height = 0.0
    val runaway = points.indices.any { k ->
        val (dx, dy) = points[k].dx.toDouble() to points[k].dy.toDouble()
        height += dy
        val down = k > 0 && !points[k - 1].up
        height !in LOWEST..HIGHEST || down && hypot(dx, dy) > LONGEST
    }
    if (runaway) add("runaway")
    if (text.isBlank()) return@buildList
    val peaks = text.indices.filter { text[it] != ' ' }.map { peak(attention, it) }
    val missed = peaks.map { it < SKIPPED * peaks.average() }
    if (missed.dropLast(1).any { it }) add("skipped")
    if (missed.last()) add("lost")
}

private fun peak(attention: List<FloatArray>, column: Int): Double =
    attention.maxOf { it[column].toDouble() }

/** Counts the points that belong to the text: surplus strokes after it do not. */
private fun endOfText(text: String, drawn: PointResult): Int {
    val points = drawn.points
    val last = text.trimEnd().lastIndex
    if (last < 0) return points.size
    val usual = (0..last).map { peak(drawn.attention, it) }.average()
    var (x, y) = 0.0 to 0.0
    val places = points.map { point ->
        x += point.dx
        y += point.dy
        x to y
    }
    val starts = points.indices.filter { it > 0 && points[it - 1].up }
    for ((number, start) in starts.withIndex()) {
        val stroke = places.subList(start, starts.getOrElse(number + 1) { points.size })
        val peak = peak(drawn.attention.take(start), last)
        val left = peak > usual / 2 && drawn.attention[start][last] < LEFT * peak
        val apart = stroke.minOf { it.first } > places.take(start).maxOf { it.first } &&
            stroke.minOf { it.second } < 1
        if (left && (apart || text[last] in ".,")) return start
    }
    return points.size
}
