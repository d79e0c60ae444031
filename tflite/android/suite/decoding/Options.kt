package lstm.decoding

import lstm.Generator
import lstm.Json
import lstm.Tensors
import lstm.tensorOf

enum class Strategy { GREEDY, SAMPLE, BEAM }

/** How symbols are chosen. */
data class DecodingOptions(
    val strategy: Strategy = Strategy.GREEDY,
    val temperature: Double = 1.0,
    val topK: Int = 0,
    val topP: Double = 1.0,
    val beamSize: Int = 5,
    val nBest: Int = 1,
    val lengthPenalty: Double = 0.0,
    val coveragePenalty: Double = 0.0,
    val noRepeatNgram: Int = 0,
    val minLength: Int = 0,
    val maxLength: Int = 100,
    val seed: Long = 0,
) {
    companion object {
        /** The defaults of a bundle, for `copy` to change. */
        fun of(decoding: Json): DecodingOptions {
            val plain = DecodingOptions()
            fun int(key: String, other: Int) = decoding.find(key)?.int ?: other
            fun number(key: String, other: Double) = decoding.find(key)?.number ?: other
            return DecodingOptions(
                strategy = Strategy.valueOf(decoding["strategy"].text.uppercase()),
                temperature = number("temperature", plain.temperature),
                topK = int("top_k", plain.topK),
                topP = number("top_p", plain.topP),
                beamSize = int("beam_size", plain.beamSize),
                nBest = int("n_best", plain.nBest),
                lengthPenalty = number("length_penalty", plain.lengthPenalty),
                coveragePenalty = number("coverage_penalty", plain.coveragePenalty),
                noRepeatNgram = int("no_repeat_ngram", plain.noRepeatNgram),
                minLength = int("min_length", plain.minLength),
                maxLength = int("max_length", plain.maxLength),
            )
        }
    }
}

/** Masks symbols of one hypothesis by [MASKED], in place. */
typealias Constraint = (prefix: List<Int>, values: FloatArray) -> Unit

/** What [decode] needs, besides the condition. */
class Task(
    val generator: Generator,
    val start: Int,
    val end: Int,
    val options: DecodingOptions,
    /** The symbol inputs of a step: of the number of symbols so far and the last of them. */
    val inputs: (t: Int, last: Int) -> Tensors = { _, last -> mapOf("symbol" to tensorOf(last)) },
    val constraint: Constraint? = null,
    /** Called after every step with the symbols that lead; an exception ends the decoding. */
    val progress: (symbols: List<Int>) -> Unit = {},
)

/** One decoded sequence. */
class DecodingResult(
    val symbols: List<Int>,
    val score: Double,
    val logProbability: Double,
    val finished: Boolean,
    /** A row of weights for each symbol; empty without attention. */
    val attention: List<FloatArray>,
)
