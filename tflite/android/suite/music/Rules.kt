package lstm.music

import kotlin.math.abs
import kotlin.math.exp
import lstm.decoding.MASKED

/** The rules of four-part writing, the most important first. */
enum class Rule(internal val least: Double = 1e-3) {
    SILENCE, RANGES, CROSSING, CADENCE(0.0), PARALLELS, SPACING, OPENING(0.0), PHRASES, LEAPS,
    OVERLAP(0.2), BEATS(0.2)
}

/** Lowest and highest pitch of soprano, alto, tenor and bass. */
private val RANGES = listOf(60..81, 53..74, 48..69, 38..64)
private val WIDEST = listOf(12, 12, 24) // between neighbors
private val CANDIDATES = listOf(-1) + (LOWEST..HIGHEST)

/** Enforces rules during decoding. */
internal class Rules(private val outline: Piece, rules: Set<Rule>, melody: Boolean) {
    private val rules = rules.sorted()
    private val melody = if (melody) outline.pitches.map { it.first() } else null
    private val harmony = Harmony(outline, this.melody)

    /** Masks symbols that break the rules, in place. */
    fun apply(prefix: List<Int>, values: FloatArray) {
        val frame = prefix.size / 4
        val place = prefix.size % 4
        if (rules.isEmpty() || melody != null && place == 0) return
        val moment = moment(prefix, frame, place)
        val probabilities = FloatArray(values.size) { exp(values[it].toDouble()).toFloat() }
        var allowed = symbols(moment, rules.toSet())
        val left = share(probabilities, allowed) / share(probabilities)
        if (left <= rules.maxOf { it.least }) allowed = oneByOne(moment, probabilities)
        for (symbol in values.indices) if (!allowed[symbol]) values[symbol] = MASKED
        if (isCompound(frame) && frame in 1 until harmony.final) endWithBeat(prefix, values)
    }

    /** In 6/8 and its like, what began between beats ends with them: no hemiolas. */
    private fun endWithBeat(prefix: List<Int>, values: FloatArray) {
        val before = prefix.size / 4 - 1
        val place = prefix.size % 4
        val onset = (before downTo 0).firstOrNull { prefix[4 * it + place] != HOLD } ?: before
        val others = values.indices.any { it != HOLD && values[it] > MASKED }
        if (others && !isCompound(onset)) values[HOLD] = MASKED
    }

    private fun isCompound(frame: Int): Boolean =
        outline.beat % 3 == 0 && outline.position[frame] % outline.beat == 0

    /** Skips each rule that would leave too little of the probability. */
    private fun oneByOne(moment: Moment, probabilities: FloatArray): BooleanArray {
        var allowed = BooleanArray(VOCABULARY) { true }
        val kept = mutableSetOf<Rule>()
        for (rule in rules) {
            val trial = symbols(moment, kept + rule)
            if (share(probabilities, trial) > rule.least * share(probabilities, allowed)) {
                kept += rule
                allowed = trial
            }
        }
        return allowed
    }

    private fun moment(prefix: List<Int>, frame: Int, place: Int): Moment {
        val before = sounding(prefix, frame)
        val beat = frame >= BEAT && outline.position[frame] % BEAT == 0
        val now = Piece.NONE.toMutableList()
        for (k in 0 until place) {
            val voice = VOICE_ORDER[k]
            val symbol = prefix[4 * frame + k]
            now[voice] = if (symbol == HOLD) before[voice] else pitchOf(symbol)
        }
        return Moment(
            frame = frame,
            voice = VOICE_ORDER[place],
            chosen = VOICE_ORDER.take(place),
            before = before,
            lastBeat = if (beat) sounding(prefix, frame - BEAT + 1) else Piece.NONE,
            now = now,
        )
    }

    /** Which symbols keep the rules. */
    private fun symbols(moment: Moment, kept: Set<Rule>): BooleanArray {
        val allowed = candidates(moment, kept)
        val result = BooleanArray(VOCABULARY) { allowed[maxOf(0, it - PITCH + 1)] }
        val held = moment.before[moment.voice]
        result[HOLD] = allowed[if (held >= 0) held - LOWEST + 1 else 0]
        return result
    }

    private fun candidates(moment: Moment, kept: Set<Rule>): List<Boolean> {
        var result = besideChosen(moment, moment.voice, kept)
        for (other in VOICE_ORDER.drop(moment.chosen.size + 1)) {
            val theirs = besideChosen(moment, other, kept)
            val left = CANDIDATES.filterIndexed { k, _ -> theirs[k] }
            result = result.mapIndexed { k, fine ->
                fine && left.any { pair(moment, moment.voice, other, CANDIDATES[k], it, kept) }
            }
        }
        return result
    }

    private fun besideChosen(moment: Moment, voice: Int, kept: Set<Rule>): List<Boolean> =
        CANDIDATES.map { pitch ->
            alone(moment, voice, pitch, kept) &&
                moment.chosen.all { pair(moment, voice, it, pitch, moment.now[it], kept) }
        }

    /** The rules of a single voice. */
    private fun alone(moment: Moment, voice: Int, pitch: Int, kept: Set<Rule>): Boolean {
        if (pitch < 0) return melody != null && melody[moment.frame] < 0 || Rule.SILENCE !in kept
        val before = moment.before[voice]
        if (Rule.RANGES in kept && pitch !in RANGES[voice]) return false
        if (Rule.LEAPS in kept && before >= 0) {
            val leap = abs(pitch - before)
            if (leap == 10 || leap == 11 || leap > 12) return false
        }
        return (Rule.OPENING !in kept || harmony.opening(moment, voice, pitch)) &&
            (Rule.PHRASES !in kept || harmony.phrases(moment, voice, pitch)) &&
            (Rule.CADENCE !in kept || harmony.cadence(moment, voice, pitch))
    }
}

/** The rules of two voices. */
private fun pair(
    moment: Moment,
    voice: Int,
    other: Int,
    mine: Int,
    theirs: Int,
    kept: Set<Rule>,
): Boolean {
    if (mine < 0 || theirs < 0) return true
    val (upper, lower) = if (voice < other) mine to theirs else theirs to mine
    val high = minOf(voice, other)
    val low = maxOf(voice, other)
    val wasUpper = moment.before[high]
    val wasLower = moment.before[low]
    if (Rule.CROSSING in kept && upper < lower) return false
    if (Rule.PARALLELS in kept && isConsecutive(wasUpper, wasLower, upper, lower)) return false
    val (beatUpper, beatLower) = moment.lastBeat[high] to moment.lastBeat[low]
    if (Rule.BEATS in kept && isConsecutive(beatUpper, beatLower, upper, lower)) return false
    if (low != high + 1) return true
    if (Rule.SPACING in kept && upper - lower > WIDEST[high]) return false
    return Rule.OVERLAP !in kept ||
        (wasUpper < 0 || lower <= wasUpper) && (wasLower < 0 || upper >= wasLower)
}

/** Whether two voices move in parallel fifths, octaves or unisons. */
private fun isConsecutive(upper: Int, lower: Int, nextUpper: Int, nextLower: Int): Boolean {
    if (minOf(minOf(upper, lower), minOf(nextUpper, nextLower)) < 0) return false
    val after = abs(nextUpper - nextLower) % 12
    return upper != nextUpper && lower != nextLower && abs(upper - lower) % 12 == after &&
        (after == 0 || after == 7)
}

private fun pitchOf(symbol: Int): Int = if (symbol >= PITCH) symbol - PITCH + LOWEST else -1

/** The pitches after whole frames, from the soprano down; -1 is silence. */
private fun sounding(prefix: List<Int>, frames: Int): List<Int> {
    val result = Piece.NONE.toMutableList()
    VOICE_ORDER.forEachIndexed { place, voice ->
        val frame = (frames - 1 downTo 0).firstOrNull { prefix[4 * it + place] != HOLD }
        if (frame != null) result[voice] = pitchOf(prefix[4 * frame + place])
    }
    return result
}

private fun share(probabilities: FloatArray, allowed: BooleanArray? = null): Double =
    probabilities.indices.filter { allowed == null || allowed[it] }
        .sumOf { probabilities[it].toDouble() }
