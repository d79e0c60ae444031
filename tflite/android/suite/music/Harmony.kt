package lstm.music

internal const val BEAT = 4
private const val SOPRANO = 0
private const val BASS = 3
private const val DOMINANT = 7 // semitones over the tonic
private const val LEADING = 11
private const val SEVENTH = 5
private val ROOTS = listOf(0, 2, 4, 5, 7, 9) // of the chords under fermatas
private val MINOR_ROOTS = listOf(0, 3, 5, 7, 8, 10)

/** What is known when a note is chosen; -1 is silence, or not chosen yet. */
internal class Moment(
    val frame: Int,
    val voice: Int,
    val chosen: List<Int>,
    val before: List<Int>,
    val lastBeat: List<Int>,
    val now: List<Int>,
)

/** The rules that know about keys and chords. */
internal class Harmony(outline: Piece, private val melody: List<Int>?) {
    private val tonic = outline.tonic
    private val minor = outline.minor
    val final: Int
    private val phraseEnds: Set<Int>

    init {
        val fermata = outline.fermata
        val starts = fermata.indices.filter { fermata[it] && (it == 0 || !fermata[it - 1]) }
        val rest = if (fermata.last()) starts.last() else maxOf(0, outline.steps - BEAT)
        val moves = melody?.zipWithNext { before, now -> before != now }.orEmpty()
        final = maxOf(rest, moves.lastIndexOf(true) + 1)
        phraseEnds = starts.filter { it < final - BEAT }.toSet()
    }

    private fun degree(pitch: Int, root: Int = tonic) = (pitch - root).mod(12)

    fun opening(moment: Moment, voice: Int, pitch: Int): Boolean {
        if (moment.frame > 0 || voice == SOPRANO && melody != null) return true
        val third = if (minor) 3 else 4
        val first = melody?.first() ?: tonic
        if (first < 0 || degree(first) !in listOf(0, third, 7)) return true
        return triad(moment, voice, pitch, tonic, listOf(third))
    }

    fun phrases(moment: Moment, voice: Int, pitch: Int): Boolean {
        if (moment.frame !in phraseEnds || voice == SOPRANO) return true
        val bass = moment.now[BASS].mod(12)
        if (voice != BASS) return triad(moment, voice, pitch, bass, listOf(3, 4))
        val above = moment.now[SOPRANO]
        if (above >= 0 && degree(above, pitch) !in listOf(0, 3, 4, 7)) return false
        return degree(pitch) in if (minor) MINOR_ROOTS else ROOTS
    }

    fun cadence(moment: Moment, voice: Int, pitch: Int): Boolean {
        val frame = moment.frame
        if (frame < final - BEAT) return true
        if (frame > final) return pitch == moment.before[voice]
        val root = lastRoot()
        if (frame < final) {
            return !isPrepared(root) || dominant(moment, voice, pitch, frame >= final - BEAT / 2)
        }
        val thirds = if (minor) listOf(3, 4) else listOf(4)
        if (voice == SOPRANO) return degree(pitch) in thirds + 0
        return root < 0 || triad(moment, voice, pitch, (tonic + root).mod(12), thirds)
    }

    /** Semitones of the last chord's root over the tonic; -1 is free. */
    private fun lastRoot(): Int {
        val sung = (melody ?: return 0)[final]
        return when {
            sung < 0 -> -1
            degree(sung) in if (minor) listOf(5, 8) else listOf(5, 9) -> 5
            degree(sung) in listOf(2, LEADING) -> DOMINANT
            degree(sung) in listOf(1, 6, 8, 9, 10) -> -1
            else -> 0
        }
    }

    /** Whether the dominant goes before the last chord. */
    private fun isPrepared(root: Int): Boolean {
        if (root != 0 || melody == null) return root == 0
        val sung = melody.subList(maxOf(0, final - BEAT), final)
        val chord = sung.map { degree(it) in listOf(DOMINANT, LEADING, 2, SEVENTH) }
        val fitting = sung.zip(chord) { pitch, fits ->
            pitch >= 0 && (fits || degree(pitch) in listOf(0, 3, 4))
        }
        return fitting.all { it } && chord.takeLast(BEAT / 2).all { it }
    }

    private fun dominant(moment: Moment, voice: Int, pitch: Int, late: Boolean): Boolean {
        val degree = degree(pitch)
        if (voice == BASS) return degree == DOMINANT
        if (!late) return degree != LEADING - 1
        val heard = moment.degrees(tonic)
        if (degree == LEADING) return LEADING !in heard
        val other = degree == DOMINANT || degree == 2 || degree == SEVENTH && SEVENTH !in heard
        return other && (LEADING in heard || !moment.isCompletedBy(voice))
    }

    /** Notes of a triad in root position; the voice that completes it sees to its third. */
    private fun triad(
        moment: Moment,
        voice: Int,
        pitch: Int,
        root: Int,
        thirds: List<Int>,
    ): Boolean {
        val degree = degree(pitch, root)
        if (voice == BASS) return degree == 0
        val heard = moment.degrees(root)
        if (degree == 0 || degree == 7) {
            return !moment.isCompletedBy(voice) || thirds.any { it in heard }
        }
        return degree in thirds && thirds.none { it != degree && it in heard }
    }
}

/** Semitones of the chosen notes over a root, else -1. */
private fun Moment.degrees(root: Int): List<Int> =
    now.map { if (it >= 0) (it - root).mod(12) else -1 }

/** Whether it is this voice's turn, and the last of the chord. */
private fun Moment.isCompletedBy(voice: Int): Boolean =
    voice == this.voice && chosen.size == VOICE_ORDER.size - 1
