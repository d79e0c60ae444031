package lstm.jvm

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64
import kotlin.math.abs
import lstm.Generator
import lstm.InputError
import lstm.Json
import lstm.Tensors
import lstm.captioning.Captioner
import lstm.captioning.Photo
import lstm.captioning.WordTokenizer
import lstm.handwriting.Writer
import lstm.music.Composer
import lstm.music.Metre
import lstm.music.Piece
import lstm.music.Rule
import lstm.tensorOf
import lstm.translation.Translator

private const val NEVER = 1e4 // values beyond are masked logits

private fun bytesOf(entry: Json): ByteArray = Base64.getDecoder().decode(entry["base64"].text)

private fun tensorsOf(entries: Json): Tensors =
    entries.map.mapValues { (_, entry) -> tensorOf(bytesOf(entry)) }

private fun numbers(bytes: ByteBuffer, dtype: String): List<Double> {
    val buffer = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).apply { rewind() }
    return when (dtype) {
        "float32" -> List(buffer.remaining() / 4) { buffer.getFloat().toDouble() }
        "int32" -> List(buffer.remaining() / 4) { buffer.getInt().toDouble() }
        else -> List(buffer.remaining()) { (buffer.get().toInt() and 0xff).toDouble() }
    }
}

/** The largest difference, as a share of the largest expected value or 1. */
private fun difference(entry: Json, got: List<Double>): Double {
    val expected = numbers(ByteBuffer.wrap(bytesOf(entry)), entry["dtype"].text)
    val every = entry.find("every")?.int ?: 1
    var gap = 0.0
    var scale = 1.0
    for ((k, value) in expected.withIndex()) {
        val other = got[k * every]
        if (other.isNaN()) return Double.POSITIVE_INFINITY
        gap = maxOf(gap, abs(value.coerceIn(-NEVER, NEVER) - other.coerceIn(-NEVER, NEVER)))
        if (abs(value) < NEVER) scale = maxOf(scale, abs(value))
    }
    return gap / scale
}

internal fun checkBundles(shared: Shared) {
    for (name in listOf(CAPTIONING, HANDWRITING, MUSIC, TRANSLATION)) {
        val table = shared.json("$name/goldens.json")
        shared.using(name) { generator ->
            val most = table["cases"].list.maxOf { worst(generator, it) }
            val share = most / table["tolerance"].number
            if (!(share <= 1)) throw Difference("$name: $share of the tolerance")
        }
    }
}

private fun worst(generator: Generator, case: Json): Double {
    val encoded = generator.encode(tensorsOf(case["condition"]))
    var state = encoded.state
    fun of(expected: Json, got: (name: String, dtype: String) -> List<Double>?): Double =
        expected.map.maxOf { (name, entry) ->
            val numbers = got(name, entry["dtype"].text) ?: throw InputError("no result '$name'")
            difference(entry, numbers)
        }
    fun held(tensors: Tensors, name: String, dtype: String) =
        tensors[name]?.let { numbers(it, dtype) }
    val first = of(case["encoded"]) { name, dtype -> held(state + encoded.memory, name, dtype) }
    val steps = case["steps"].list.map { step ->
        val result = generator.step(tensorsOf(step["symbol"]), state, encoded.memory)
        state = result.state
        of(step["outputs"]) { name, dtype ->
            result.outputs[name]?.map { it.toDouble() } ?: held(state, name, dtype)
        }
    }
    return maxOf(first, steps.max())
}

internal fun checkTranslations(shared: Shared) = shared.using(TRANSLATION) { generator ->
    val translator = Translator(generator, shared.tokenizer())
    val options = translator.defaults.copy(nBest = 2)
    for (row in shared.table["translations"].list) {
        val found = translator.sentence(row["text"].text, row["to"].text, options)
        same("count of translations", found.size, row["n_best"].list.size)
        found.zip(row["n_best"].list) { translation, expected ->
            val (text, score, pieces) = expected.list
            same("text", translation.text, text.text)
            same("subwords", translation.pieces, pieces.list.map { it.text })
            close("score of ${text.text}", translation.score, score.number, 5e-3)
        }
    }
    for (row in shared.table["names"]["translations"].list) {
        val (text, from, to, expected) = row.list.map { it.text }
        val sentence = translator.translate(text, from, to).single()
        same("translation", listOf(sentence.source, sentence.found[0].text), listOf(text, expected))
    }
    val done = translator.translate("Hello.\n\nHow are you?", "en", "de")
    same("gaps", done.map { it.gap }, listOf("\n\n", ""))
}

internal fun checkCaptions(shared: Shared) = shared.using(CAPTIONING) { generator ->
    val captioner = Captioner(generator, WordTokenizer(shared.json("$CAPTIONING/words.json")))
    val cases = shared.json("$CAPTIONING/goldens.json")["cases"].list
    cases.zip(shared.table["captions"]["cases"].list) { case, expected ->
        val entry = case["condition"]["photo"]
        val (_, height, width) = entry["shape"].ints
        val caption = captioner.caption(Photo(bytesOf(entry), width, height)).first()
        same("caption", caption.text, expected.text)
        same("rows of attention", caption.attention.size, caption.words.size)
    }
}

internal fun checkMusic(shared: Shared) = shared.using(MUSIC) { generator ->
    val composer = Composer(generator)
    val table = shared.table["music"]
    for (row in table["composed"].list) {
        val (tonic, mode) = row["key"].ints
        val metre = if (row["metre"].text == "3/4") Metre.TRIPLE else Metre.COMMON
        val plan = Piece.plan(row["bars"].int, tonic, mode == 1, metre)
        val options = composer.defaults.copy(
            seed = row["seed"].int.toLong(),
            temperature = row["temperature"].number,
        )
        val rules = row["rules"].list.map { Rule.valueOf(it.text.uppercase()) }.toSet()
        sameNotes("seed ${options.seed}", composer.compose(plan, options, rules), row)
    }
    val expected = table["harmonized"]
    val melody = table["melody"]
    val soprano = melody["soprano"].ints.toList()
    val (tonic, mode) = melody["key"].ints
    val tune = Piece(
        pitches = soprano.map { listOf(it, -1, -1, -1) },
        strikes = expected["strikes"].ints.map { listOf(it and 8 > 0, false, false, false) },
        position = melody["position"].ints.toList(),
        barLength = Metre.COMMON.bar,
        fermata = melody["fermata"].ints.map { it == 1 },
        tonic = tonic,
        minor = mode == 1,
    )
    val seed = expected["seed"].int.toLong()
    sameNotes("harmony", composer.harmonize(tune, composer.defaults.copy(seed = seed)), expected)
}

private fun sameNotes(what: String, piece: Piece, expected: Json) {
    same("pitches of $what", piece.pitches, expected["pitches"].list.map { it.ints.toList() })
    val strikes = piece.strikes.map { row -> row.fold(0) { sum, on -> 2 * sum + if (on) 1 else 0 } }
    same("strikes of $what", strikes, expected["strikes"].ints.toList())
}

internal fun checkWriting(shared: Shared) = shared.using(HANDWRITING) { generator ->
    val writer = Writer(generator)
    same("styles", writer.styles, shared.table["writing"]["styles"].list.map { it.text })
    for (row in shared.table["writing"]["written"].list) {
        val seed = row["seed"].int.toLong()
        val made =
            writer.write(row["text"].text.lines(), row["style"].int, row["bias"].number, seed)
        same("count of lines", made.size, row["lines"].list.size)
        made.zip(row["lines"].list) { line, expected ->
            same("draws", line.draws, expected["draws"].int)
            same("problems", line.problems, expected["problems"].list.map { it.text })
            same("count of points", line.points.size, expected["points"].list.size)
            line.points.zip(expected["points"].list) { point, numbers ->
                val (dx, dy, up) = numbers.list
                close("dx in '${line.text}'", point.dx.toDouble(), dx.number, 2e-3)
                close("dy in '${line.text}'", point.dy.toDouble(), dy.number, 2e-3)
                same("pen", point.up, up.number > 0.5)
            }
        }
    }
}
