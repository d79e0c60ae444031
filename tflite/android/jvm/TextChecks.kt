package lstm.jvm

import java.security.MessageDigest
import java.util.Base64
import kotlin.math.abs
import lstm.Random
import lstm.captioning.Photo
import lstm.text.Tokenizer
import lstm.text.splitSentences
import lstm.translation.Form
import lstm.translation.Placing
import lstm.translation.TRANSLATED
import lstm.translation.markNames
import lstm.translation.translated

private fun sha256(data: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(data).joinToString("") { "%02x".format(it) }

internal fun checkRandom(shared: Shared) {
    for (row in shared.table["random"].list) {
        val random = Random(
            row["seed"].number.toLong(),
            *row["key"].list.map { it.number.toLong() }.toLongArray(),
        )
        row["uniform"].list.forEach { same("uniform", random.uniform(), it.number) }
        val drawn = List(4000) { random.normal() }
        row["normal"].list.zip(drawn) { normal, got -> close("normal", got, normal.number, 1e-12) }
        close("sum", drawn.sumOf { abs(it) }, row["sum"].number, 1e-8)
    }
}

internal fun checkTexts(shared: Shared) {
    val tokenizer = shared.tokenizer()
    for (row in shared.table["texts"].list) {
        val ids = row["ids"].ints.toList()
        if (!row["text"].isNull) same(row["text"].text, tokenizer.encode(row["text"].text), ids)
        same(ids, tokenizer.decode(ids), row["decoded"].text)
    }
}

internal fun checkLifting(shared: Shared) {
    val table = shared.table["lifted"]
    val tokenizer = Tokenizer(Base64.getDecoder().decode(table["tokenizer"].text))
    val placing = Placing(tokenizer)
    for (row in table["forms"].list) {
        val form = Form.of(row["text"].text)
        val (text, before, after, first, all) = row["parts"].list
        same("text", form.text, text.text)
        same("before", form.before, before.text)
        same("after", form.after, after.text)
        same("style", listOf(form.style.first, form.style.all), listOf(first.flag, all.flag))
        same("left", form.left, row["parts"].list[5].int)
        val slots = row["slots"].list.map { slot -> slot.list.map { it.text } }
        same("slots", form.slots.map { listOf(it.symbol.toString(), it.text) }, slots)
        same("finished", form.finished(form.text), row["finished"].text)
        val ids = row["ids"].ints.toList()
        same("ids", tokenizer.encode(form.text), ids)
        val values = FloatArray(tokenizer.vocabulary) { -5f }
        placing.constraint(form.slots, ids.size + 2)(row["prefix"].ints.toList(), values)
        val allowed = ByteArray(values.size) { if (values[it].isFinite()) 1 else 0 }
        same("allowed in ${form.text}", sha256(allowed), row["allowed"].text)
    }
}

internal fun checkNames(shared: Shared) {
    val table = shared.table["names"]
    val known = table["translated"].map
    same("languages", TRANSLATED.keys, known.keys)
    for ((language, names) in known) {
        same(language, TRANSLATED[language], names.list.map { it.text }.toSet())
    }
    val tokenizer = shared.tokenizer()
    for (row in table["marked"].list) {
        val (text, language, marked) = row.list.map { it.text }
        same(text, markNames(text, tokenizer, language), marked)
        same(marked, translated(marked, marked), text)
    }
}

internal fun checkSentences(shared: Shared) {
    for (row in shared.table["sentences"].list) {
        val (text, sentences) = row.list
        val expected = sentences.list.map { pair -> pair.list.map { it.text } }
        same(text.text, splitSentences(text.text).map { listOf(it.text, it.after) }, expected)
    }
}

internal fun checkPhotos(shared: Shared) {
    val (columns, rows) = 97 to 61
    val pixels = ByteArray(columns * rows * 3) { (it * 2_654_435_761L shr 7).toByte() }
    fun crop(w: Int, h: Int): Photo {
        val place = { k: Int -> (k / (3 * w) * columns + k / 3 % w) * 3 + k % 3 }
        return Photo(ByteArray(w * h * 3) { pixels[place(it)] }, w, h)
    }
    for (row in shared.table["captions"]["resized"].list) {
        val (w, h, fit, expected) = row.list
        val square = crop(w.int, h.int).squared(224, fit.text)
        same("${w.int} x ${h.int}, ${fit.text}", sha256(square.pixels), expected.text)
    }
    listOf(16, 61, 97).zip(shared.table["captions"]["sizes"].list) { size, expected ->
        same("to $size", sha256(crop(columns, rows).resized(size, size).pixels), expected.text)
    }
}
