package lstm.music

import lstm.Generator
import lstm.InputError
import lstm.Tensors
import lstm.decoding.DecodingOptions
import lstm.decoding.MASKED
import lstm.decoding.Task
import lstm.decoding.decode
import lstm.maskOf
import lstm.tensorOf

/** Writes chorales in four parts. */
class Composer(private val generator: Generator) {
    private val frames = generator.bundle.config["frames"].int
    private val holds = generator.bundle.config["holds"].flag
    val defaults = DecodingOptions.of(generator.bundle.decoding)

    /** Fills a plan with notes; [progress] is called with the steps that are written. */
    fun compose(
        plan: Piece,
        options: DecodingOptions = defaults,
        rules: Set<Rule> = Rule.entries.toSet(),
        progress: (Int) -> Unit = {},
    ): Piece = fill(plan, options, rules, melody = false, progress)

    /** Finds the other voices to the soprano of a piece. */
    fun harmonize(
        melody: Piece,
        options: DecodingOptions = defaults,
        rules: Set<Rule> = Rule.entries.toSet(),
        progress: (Int) -> Unit = {},
    ): Piece = fill(melody, options, rules, melody = true, progress)

    private fun fill(
        outline: Piece,
        options: DecodingOptions,
        rules: Set<Rule>,
        melody: Boolean,
        progress: (Int) -> Unit,
    ): Piece {
        if (outline.steps > frames) {
            throw InputError("${outline.steps} 16ths are more than this model's $frames")
        }
        outline.pitches.map { it.first() }.find { it >= 0 && it !in LOWEST..HIGHEST }?.let {
            throw InputError("MIDI pitch $it is outside of $LOWEST to $HIGHEST; transpose it")
        }
        val features = outline.features()
        val sung = outline.symbols(holds).map { it.first() }
        val enforced = Rules(outline, rules, melody)
        val task = Task(
            generator,
            START,
            END,
            options.copy(maxLength = 4 * outline.steps, nBest = 1),
            inputs = { t, last ->
                mapOf(
                    "symbol" to tensorOf(last),
                    "voice" to tensorOf(t % 4),
                    "features" to tensorOf(*features[t / 4]),
                    "frame" to tensorOf(t / 4),
                )
            },
            constraint = { prefix, values ->
                if (melody && prefix.size % 4 == 0) {
                    val symbol = sung[prefix.size / 4]
                    for (k in values.indices) if (k != symbol) values[k] = MASKED
                } else {
                    values[END] = MASKED
                    val before = prefix.getOrElse(prefix.size - 4) { SILENCE }
                    if (before == SILENCE) values[HOLD] = MASKED
                    enforced.apply(prefix, values)
                }
            },
            progress = { if (it.size % 4 == 0) progress(it.size / 4) },
        )
        val result = decode(condition(outline, features, melody), task).single()
        return outline.filled(result.symbols.chunked(4), holds)
    }

    private fun condition(piece: Piece, features: List<IntArray>, given: Boolean): Tensors {
        val columns = features.first().size
        fun padded(values: List<Int>, each: Int = 1) =
            tensorOf(*(if (given) values else emptyList()).toIntArray().copyOf(frames * each))
        val sung = piece.symbols(holds).map { it.first() }
        return mapOf(
            "key" to tensorOf(piece.tonic, if (piece.minor) 1 else 0),
            "melody" to padded(piece.symbols(holds = false).map { it.first() }),
            "melody_age" to padded(ages(sung, holds)),
            "melody_features" to padded(features.flatMap { it.toList() }, columns),
            "melody_mask" to maskOf(if (given) piece.steps else 0, frames),
        )
    }
}
