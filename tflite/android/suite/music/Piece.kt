package lstm.music

const val SILENCE = 0
const val START = 1
const val END = 2
const val HOLD = 3
const val PITCH = 4
const val LOWEST = 36
const val HIGHEST = 81
const val VOCABULARY = PITCH + HIGHEST - LOWEST + 1
private const val MOST_AGE = 31
private const val MOST_WAIT = 31

/** Soprano, bass, alto, tenor: the order in which a model writes them. */
val VOICE_ORDER = listOf(0, 3, 1, 2)

/** 16ths in a bar, bars in a phrase, and 16ths before the first bar. */
enum class Metre(val bar: Int, val phrase: Int, val upbeat: Int) {
    COMMON(16, 2, 4), TRIPLE(12, 4, 0)
}

/** A four-part piece on a grid of 16th notes, in a known metre and key. */
class Piece(
    /** Of each step four MIDI pitches, soprano first; -1 is silence. */
    val pitches: List<List<Int>>,
    /** Of each step whether each voice begins a note. */
    val strikes: List<List<Boolean>>,
    /** 16ths since the bar line. */
    val position: List<Int>,
    val barLength: Int,
    val fermata: List<Boolean>,
    val tonic: Int,
    val minor: Boolean,
) {
    val steps: Int get() = pitches.size

    /** The beat in 16ths: a dotted one in 6/8 and its like. */
    val beat: Int
        get() {
            val unit = when {
                barLength == 24 -> 8
                barLength % 4 == 0 -> 4
                barLength % 2 == 0 -> 2
                else -> 1
            }
            val three = 3 * unit
            val isCompound = barLength > three && barLength % three == 0 && unit <= 4
            return if (isCompound) three else maxOf(unit, 4)
        }

    /** Symbols of each step in [VOICE_ORDER]; with holds a note is its pitch, then [HOLD]. */
    fun symbols(holds: Boolean): List<List<Int>> = pitches.zip(strikes) { row, struck ->
        VOICE_ORDER.map { voice ->
            val pitch = row[voice]
            when {
                pitch < 0 -> SILENCE
                holds && !struck[voice] -> HOLD
                else -> pitch - LOWEST + PITCH
            }
        }
    }

    /** Of each step: position, phase, fermata, steps to the next fermata, last bar. */
    fun features(): List<IntArray> {
        val last = maxOf(0, position.lastIndexOf(0))
        var wait = MOST_WAIT
        return (steps - 1 downTo 0).map { t ->
            wait = if (fermata[t]) 0 else minOf(wait + 1, MOST_WAIT)
            val place = if (position[t] > 23) 24 else position[t]
            intArrayOf(place, t % 16, if (fermata[t]) 1 else 0, wait, if (t >= last) 1 else 0)
        }.reversed()
    }

    /** The piece with the notes that symbols stand for. */
    fun filled(symbols: List<List<Int>>, holds: Boolean): Piece {
        val pitches = mutableListOf<List<Int>>()
        val strikes = mutableListOf<List<Boolean>>()
        for (row in symbols) {
            val before = pitches.lastOrNull() ?: NONE
            val now = NONE.toMutableList()
            val struck = MutableList(4) { false }
            row.forEachIndexed { place, symbol ->
                val voice = VOICE_ORDER[place]
                if (symbol >= PITCH) now[voice] = symbol - PITCH + LOWEST
                if (symbol == HOLD && holds) now[voice] = before[voice]
                val changes = now[voice] >= 0 && now[voice] != before[voice]
                struck[voice] = changes || holds && symbol >= PITCH
            }
            pitches += now
            strikes += struck
        }
        return Piece(pitches, strikes, position, barLength, fermata, tonic, minor)
    }

    companion object {
        internal val NONE = listOf(-1, -1, -1, -1)

        /** An empty piece: metre, key, and a fermata at the end of every phrase. */
        fun plan(bars: Int, tonic: Int, minor: Boolean, metre: Metre = Metre.COMMON): Piece {
            val steps = bars * metre.bar
            val position = List(steps) { (it - metre.upbeat).mod(metre.bar) }
            val accents = listOf(0, if (metre.bar % 8 == 0) metre.bar - 8 else 0)
            val fermata = MutableList(steps) { false }
            val phrase = metre.phrase * metre.bar
            for (end in (phrase until steps step phrase) + steps) {
                val start = (end - 1 downTo 0).firstOrNull { position[it] in accents } ?: 0
                for (t in start until end) fermata[t] = true
            }
            val pitches = List(steps) { NONE }
            val strikes = List(steps) { List(4) { false } }
            return Piece(pitches, strikes, position, metre.bar, fermata, tonic, minor)
        }
    }
}

/** For how many steps the notes of a voice have sounded, of its symbols. */
internal fun ages(symbols: List<Int>, holds: Boolean): List<Int> {
    var began = 0
    return symbols.mapIndexed { t, symbol ->
        val same = symbol == if (t > 0) symbols[t - 1] else START
        val on = symbol == HOLD || same && (symbol == SILENCE || !holds)
        if (!on) began = t
        minOf(t - began, MOST_AGE)
    }
}
