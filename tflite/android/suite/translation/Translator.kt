package lstm.translation

import lstm.Generator
import lstm.InputError
import lstm.decoding.DecodingOptions
import lstm.decoding.DecodingResult
import lstm.decoding.Task
import lstm.decoding.decode
import lstm.maskOf
import lstm.tensorOf
import lstm.text.END
import lstm.text.START
import lstm.text.Tokenizer
import lstm.text.fitSentence
import lstm.text.normalize
import lstm.text.splitSentences

/** One translation of a sentence; `pieces` are as the model wrote them, before copying. */
data class Translation(
    val text: String,
    val score: Double = 0.0,
    val sourcePieces: List<String> = emptyList(),
    val pieces: List<String> = emptyList(),
    val attention: List<FloatArray> = emptyList(),
)

/** A sentence, the space after it, and its translations, best first. */
class TranslatedSentence(val source: String, val gap: String, val found: List<Translation>)

/** Translates texts sentence by sentence. */
class Translator(private val generator: Generator, val tokenizer: Tokenizer) {
    private val placing = Placing(tokenizer)
    private val config = generator.bundle.config
    private val length = config["length"].int
    private val multilingual = config["multilingual"].flag
    private val lifts = config.find("lifted")?.flag ?: false

    /** Pairs of languages, from and to. */
    val directions: List<Pair<String, String>> = config["directions"].list.map { pair ->
        val (from, to) = pair.list
        from.text to to.text
    }

    /** The bundle's options, for `copy` to change. */
    val defaults = DecodingOptions.of(generator.bundle.decoding)

    /** Translates a text of any length; [each] is called with the sentences that are there. */
    fun translate(
        text: String,
        from: String,
        target: String,
        options: DecodingOptions = defaults,
        each: (List<TranslatedSentence>) -> Unit = {},
    ): List<TranslatedSentence> {
        val done = mutableListOf<TranslatedSentence>()
        for ((source, gap) in parts(text)) {
            val marked = if (lifts) markNames(source, tokenizer, from) else source
            val found = sentence(marked, target, options)
                .map { it.copy(text = translated(it.text, marked)) }
            done += TranslatedSentence(source, gap, found)
            each(done)
        }
        return done
    }

    /** Sentences, and parts of those too long for the model, each with the space after it. */
    private fun parts(text: String): List<Pair<String, String>> {
        val room = length - 1 - if (multilingual) 1 else 0
        fun measure(part: String): Int {
            val form = formOf(part)
            return if (form.left > 0) room + form.left else tokenizer.encode(form.text).size
        }
        return splitSentences(text).flatMap { sentence ->
            val whole = normalize(sentence.text)
            val parts = fitSentence(whole, room, length = ::measure)
            var end = 0
            parts.mapIndexed { k, part ->
                end += part.length
                val gap = if (whole.getOrNull(end) == ' ') " " else ""
                end += gap.length
                part to if (k == parts.lastIndex) sentence.after else gap
            }
        }
    }

    /** Translates a sentence that is short enough. */
    fun sentence(
        text: String,
        target: String,
        options: DecodingOptions = defaults,
    ): List<Translation> {
        val form = formOf(text)
        if (normalize(text).isEmpty()) return listOf(Translation(""))
        if (lifts && form.isEmpty) return listOf(Translation(form.finished(form.text)))
        val source = sourceIds(form, target)
        val limit = minOf(3 * source.size + 10, options.maxLength)
        val condition = mapOf(
            "source" to tensorOf(*source.toIntArray().copyOf(length)),
            "source_mask" to maskOf(source.size, length),
        )
        val constraint = if (form.slots.isEmpty()) null else placing.constraint(form.slots, limit)
        val limited = options.copy(maxLength = limit)
        val task = Task(generator, START, END, limited, constraint = constraint)
        return decode(condition, task).map { translation(source, form, it) }
    }

    private fun formOf(text: String) = if (lifts) Form.of(text) else Form(text)

    private fun sourceIds(form: Form, target: String): List<Int> {
        val first = if (multilingual) listOf(tokenizer.id("<2$target>")) else emptyList()
        val ids = first + tokenizer.encode(form.text) + END
        if (ids.size > length) {
            throw InputError("${ids.size} subwords, the model reads $length; split the sentence")
        }
        return ids
    }

    private fun translation(source: List<Int>, form: Form, result: DecodingResult): Translation {
        val attention = result.attention.map { it.copyOf(source.size) }
        val written = tokenizer.decode(copied(tokenizer, source, result.symbols, attention, lifts))
        return Translation(
            text = if (lifts) form.finished(written) else written,
            score = result.score,
            sourcePieces = tokenizer.pieces(source).map(::shown),
            pieces = tokenizer.pieces(result.symbols).map(::shown),
            attention = attention,
        )
    }
}
