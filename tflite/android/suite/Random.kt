package lstm

import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.ln1p
import kotlin.math.sqrt

/**
 * NumPy's `default_rng(SeedSequence(seed, spawn_key=key))`: the same numbers here and in Python.
 *
 * `SeedSequence` spreads the seed (M. O'Neill's seed_seq_fe), PCG64 XSL-RR makes 64 bits at a time
 * (O'Neill 2014), and normal numbers come from a ziggurat of 256 layers (Marsaglia and Tsang 2000).
 */
class Random(seed: Long, vararg key: Long) {
    private var high = 0uL // of a state of 128 bits
    private var low = 0uL
    private val incrementHigh: ULong
    private val incrementLow: ULong

    init {
        val mixed = pool(seed, key)
        var hash = 0x8b51f9ddu
        val made = List(8) { k ->
            var value = mixed[k % POOL] xor hash
            hash *= 0x58f38dedu
            value *= hash
            (value xor (value shr 16)).toULong()
        }
        fun pair(k: Int): ULong = made[k] or (made[k + 1] shl 32)
        incrementHigh = (pair(4) shl 1) or (pair(6) shr 63)
        incrementLow = (pair(6) shl 1) or 1uL
        advance()
        add(pair(0), pair(2))
        advance()
    }

    private fun add(byHigh: ULong, byLow: ULong) {
        low += byLow
        high += byHigh + if (low < byLow) 1uL else 0uL
    }

    private fun advance() {
        high = multiplyHigh(low, BY_LOW) + high * BY_LOW + low * BY_HIGH
        low *= BY_LOW
        add(incrementHigh, incrementLow)
    }

    private fun bits(): ULong {
        advance()
        return (high xor low).rotateRight((high shr 58).toInt())
    }

    /** A number in [0, 1), as `Generator.random`. */
    fun uniform(): Double = (bits() shr 11).toDouble() / (1L shl 53)

    /** A standard normal number, as `Generator.standard_normal`. */
    fun normal(): Double {
        while (true) {
            val bits = bits()
            val layer = (bits and 0xffuL).toInt()
            val size = (bits shr 9 and 0xfffffffffffffuL).toLong()
            val x = size * Ziggurat.widths[layer] * if (bits shr 8 and 1uL == 1uL) -1 else 1
            if (size < Ziggurat.inside[layer]) return x
            if (layer == 0) return beyond(size shr 8 and 1L == 1L)
            val (below, above) = Ziggurat.heights[layer] to Ziggurat.heights[layer - 1]
            if ((above - below) * uniform() + below < exp(-0.5 * x * x)) return x
        }
    }

    private fun beyond(negative: Boolean): Double {
        while (true) {
            val x = -ln1p(-uniform()) / Ziggurat.RIGHT
            val y = -ln1p(-uniform())
            if (2 * y > x * x) return if (negative) -(Ziggurat.RIGHT + x) else Ziggurat.RIGHT + x
        }
    }

    private companion object {
        const val POOL = 4
        const val BY_HIGH = 0x2360ed051fc65da4uL
        const val BY_LOW = 0x4385df649fccf645uL

        fun multiplyHigh(a: ULong, b: ULong): ULong {
            val mask = 0xffffffffuL
            val (a0, a1) = (a and mask) to (a shr 32)
            val (b0, b1) = (b and mask) to (b shr 32)
            val middle = a1 * b0 + (a0 * b0 shr 32)
            return a1 * b1 + (middle shr 32) + (((middle and mask) + a0 * b1) shr 32)
        }

        /** A whole number as words of 32 bits, the lowest first. */
        fun words(value: Long): List<UInt> =
            if (value ushr 32 == 0L) listOf(value.toUInt())
            else listOf(value.toUInt(), (value ushr 32).toUInt())

        /** The words of a pool of 128 bits that a seed and a key fill. */
        fun pool(seed: Long, key: LongArray): List<UInt> {
            var entropy = words(seed)
            if (key.isNotEmpty()) entropy = entropy + List(POOL - entropy.size) { 0u }
            entropy = entropy + key.flatMap(::words)
            var hash = 0x43b0d7e5u
            fun hashed(given: UInt): UInt {
                val crossed = given xor hash
                hash *= 0x931e8875u
                val value = crossed * hash
                return value xor (value shr 16)
            }
            fun mix(x: UInt, y: UInt): UInt {
                val result = 0xca01f9ddu * x - 0x4973f715u * y
                return result xor (result shr 16)
            }
            val mixed = MutableList(POOL) { hashed(entropy.getOrElse(it) { 0u }) }
            for (from in 0 until POOL) {
                for (to in (0 until POOL) - from) mixed[to] = mix(mixed[to], hashed(mixed[from]))
            }
            for (word in entropy.drop(POOL)) {
                for (to in 0 until POOL) mixed[to] = mix(mixed[to], hashed(word))
            }
            return mixed
        }
    }
}

/** Of each layer its width, where it is inside the next one, both scaled, and its height. */
private object Ziggurat {
    const val RIGHT = 3.654152885361009 // where the tail begins
    private const val SCALE = (1L shl 52).toDouble()
    private val edge = DoubleArray(257)

    init {
        val count = 20_000
        val step = 12.0 / count
        var tail = density(RIGHT) + density(RIGHT + 12) // its integral by Simpson's rule
        for (k in 1 until count) tail += density(RIGHT + k * step) * if (k % 2 == 1) 4 else 2
        val area = RIGHT * density(RIGHT) + tail * step / 3 // the same for all layers
        edge[256] = area / density(RIGHT)
        edge[255] = RIGHT
        for (k in 254 downTo 1) edge[k] = sqrt(-2 * ln(area / edge[k + 1] + density(edge[k + 1])))
    }

    val widths = DoubleArray(256) { edge[if (it == 0) 256 else it] / SCALE }
    val inside = DoubleArray(256) {
        edge[if (it == 0) 255 else it - 1] / edge[if (it == 0) 256 else it] * SCALE
    }
    val heights = DoubleArray(256) { density(edge[it]) }

    private fun density(x: Double): Double = exp(-0.5 * x * x)
}
