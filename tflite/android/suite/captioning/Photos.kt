package lstm.captioning

import kotlin.math.abs
import kotlin.math.round

/*
 * Pillow's bilinear resizing with antialiasing, to the byte.
 */

private const val BITS = 22
private const val GRAY: Byte = -128

/** RGB pixels in rows, `width * height * 3`. */
class Photo(val pixels: ByteArray, val width: Int, val height: Int) {
    fun resized(wide: Int, high: Int): Photo {
        if (wide == width && high == height) return this
        val narrow = ByteArray(height * wide * 3)
        for ((x, span) in spans(width, wide).withIndex()) {
            for (y in 0 until height) {
                val from = (y * width + span.from) * 3
                val to = (y * wide + x) * 3
                for (c in 0 until 3) narrow[to + c] = span.mean(pixels, from + c, 3)
            }
        }
        val result = ByteArray(high * wide * 3)
        for ((y, span) in spans(height, high).withIndex()) {
            for (at in 0 until wide * 3) {
                result[y * wide * 3 + at] = span.mean(narrow, span.from * wide * 3 + at, wide * 3)
            }
        }
        return Photo(result, wide, high)
    }

    /** Makes it a square: `squash` scales both sides, `pad` the longer one, on mid-gray. */
    fun squared(size: Int, fit: String): Photo {
        if (fit != "pad" || width == height) return resized(size, size)
        fun shorter(side: Int, longer: Int) = round(side.toDouble() / longer * size).toInt()
        val inner = if (width > height) resized(size, shorter(height, width))
        else resized(shorter(width, height), size)
        val left = round((size - inner.width) / 2.0).toInt()
        val top = round((size - inner.height) / 2.0).toInt()
        val result = ByteArray(size * size * 3) { GRAY }
        for (y in 0 until inner.height) {
            val row = inner.width * 3
            inner.pixels.copyInto(result, ((y + top) * size + left) * 3, y * row, (y + 1) * row)
        }
        return Photo(result, size, size)
    }
}

/** The pixels that a new one is made of, with weights as fixed-point numbers. */
private class Span(val from: Int, val weights: IntArray) {
    fun mean(pixels: ByteArray, start: Int, stride: Int): Byte {
        var sum = 1 shl BITS - 1
        for ((k, weight) in weights.withIndex()) {
            sum += (pixels[start + k * stride].toInt() and 0xff) * weight
        }
        return (sum shr BITS).coerceIn(0, 255).toByte()
    }
}

private fun spans(before: Int, after: Int): List<Span> {
    val scale = before.toDouble() / after
    val support = maxOf(scale, 1.0)
    return List(after) { k ->
        val center = (k + 0.5) * scale
        val from = maxOf(0, (center - support + 0.5).toInt())
        val to = minOf(before, (center + support + 0.5).toInt())
        val shares = (from until to).map { maxOf(0.0, 1 - abs((it - center + 0.5) / support)) }
        val total = shares.sum()
        Span(from, shares.map { (it / total * (1 shl BITS) + 0.5).toInt() }.toIntArray())
    }
}
