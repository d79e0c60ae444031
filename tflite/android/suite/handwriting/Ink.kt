package lstm.handwriting

import lstm.InputError
import lstm.decoding.Point

private val KINDS = listOf("printed", "cursive", "mixed")

/** Names of all styles: any, any of each kind, then the writers. */
fun styleNames(styles: List<String>): List<String> {
    val counts = mutableMapOf<String, Int>()
    return listOf("any") + KINDS + styles.map { kind ->
        val count = counts.merge(kind, 1, Int::plus)
        "${kind.ifEmpty { "hand" }}-$count"
    }
}

/** Encodes a text of printable ASCII. */
internal fun symbolsOf(text: String): List<Int> {
    val strange = text.toSet().filter { it !in ' '..'~' }
    if (strange.isNotEmpty()) {
        throw InputError("cannot write ${strange.joinToString(" ")}: printable ASCII only")
    }
    return text.map { it.code - 31 }
}

/** Offsets as strokes, x and y of each point in x-heights, y up. */
fun toStrokes(points: List<Point>): List<List<Pair<Float, Float>>> {
    val strokes = mutableListOf<MutableList<Pair<Float, Float>>>()
    var x = 0f
    var y = 0f
    var up = true
    for (point in points) {
        x += point.dx
        y += point.dy
        if (up) strokes += mutableListOf<Pair<Float, Float>>()
        strokes.last() += x to y
        up = point.up
    }
    return strokes
}
