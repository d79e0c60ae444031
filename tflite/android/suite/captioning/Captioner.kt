package lstm.captioning

import lstm.Generator
import lstm.InputError
import lstm.Json
import lstm.decoding.DecodingOptions
import lstm.decoding.Task
import lstm.decoding.decode
import lstm.tensorOf
import lstm.text.END
import lstm.text.START

/** Whole words of one language or several, as `words.json` lists them. */
class WordTokenizer(json: Json) {
    private val lists = (if (json.isList) mapOf("en" to json) else json.map)
        .mapValues { (_, words) -> words.list.map { it.text } }
    private val words = lists.values.flatten()

    /** The start symbol of each language. */
    val starts: Map<String, Int> =
        lists.keys.withIndex().associate { (k, name) -> name to if (k == 0) START else END + k }

    fun words(ids: List<Int>): List<String> =
        ids.map { words.getOrElse(it - END - lists.size) { "" } }
}

/** A caption; `attention` has a row over the cells of the photo for each word. */
class Caption(
    val text: String,
    val score: Double,
    val words: List<String>,
    val attention: List<FloatArray>,
)

/** Captions photos. */
class Captioner(private val generator: Generator, private val tokenizer: WordTokenizer) {
    private val size = generator.bundle.config["image_size"].int
    private val fit = generator.bundle.config["fit"].text
    val languages: Set<String> get() = tokenizer.starts.keys
    val defaults = DecodingOptions.of(generator.bundle.decoding)

    /** The best captions of a photo of any size. */
    fun caption(
        photo: Photo,
        language: String? = null,
        options: DecodingOptions = defaults,
        progress: (List<String>) -> Unit = {},
    ): List<Caption> {
        val start = if (language == null) START else tokenizer.starts[language]
        start ?: throw InputError("this model does not write '$language'")
        val pixels = photo.squared(size, fit).pixels
        val task = Task(generator, start, END, options) { progress(tokenizer.words(it)) }
        return decode(mapOf("photo" to tensorOf(pixels)), task).map { result ->
            val words = tokenizer.words(result.symbols)
            Caption(sentence(words.joinToString(" ")), result.score, words, result.attention)
        }
    }
}

/** Lower-case words as a sentence. */
private fun sentence(plain: String): String {
    val text = plain.replace(" 's", "'s").replace(" n't", "n't").trim()
    return if (text.isEmpty()) "" else text.replaceFirstChar(Char::uppercaseChar) + "."
}
