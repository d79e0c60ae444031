package lstm.translation

import lstm.text.CAPITAL
import lstm.text.CAPITALS
import lstm.text.SPACE
import lstm.text.Tokenizer
import lstm.text.characters

/*
 * Corrects names and numbers that the model misspelled.
 */

private const val LEAST_SPELLED = 3
private const val LEAST_LOOKED = 0.5
private const val LEAST_ALIKE = 0.5
private val INSIDE = Regex("""[\p{L}\p{N}]+""")
private val NUMBERS = Regex("""\p{N}+""")
private val NAME = Regex("""^[\p{Nd}\p{No}\p{Lu}\p{Lt}]""")
private val FOREIGN = Regex("""[\p{L}\p{N}\p{So}]""")

private class Word(
    val text: String,
    val range: IntRange,
    val spaced: Boolean,
    val marked: Boolean,
) {
    val size: Int get() = range.last - range.first + 1
    val isName: Boolean get() = marked || NAME.find(text) != null
}

/** Replaces misspelled copies in a translation by the words of the source; returns its ids. */
internal fun copied(
    tokenizer: Tokenizer,
    source: List<Int>,
    symbols: List<Int>,
    attention: List<FloatArray>,
    lifted: Boolean,
): List<Int> {
    val read = tokenizer.pieces(source)
    val foreign = mutableMapOf<Word, Boolean>()
    for (word in wordsOf(tokenizer, source, read)) {
        val strange = isForeign(tokenizer, word.text)
        if (strange || isSpelled(tokenizer, word, read, lifted)) foreign[word] = strange
    }
    if (foreign.isEmpty()) return symbols
    val written = tokenizer.pieces(symbols)
    val words = wordsOf(tokenizer, symbols, written)
    val there = words.map { it.text }.toSet()
    val taken = mutableMapOf<Word, Word>()
    for ((name, strange) in foreign) {
        if (name.text in there) continue
        fun looked(word: Word) = word.range.sumOf { row ->
            name.range.sumOf { attention[row][it].toDouble() }
        } / word.size
        val word = words.filter { it.spaced == name.spaced }.maxByOrNull(::looked) ?: continue
        if (looked(word) < LEAST_LOOKED || word in taken) continue
        val alike = word.range.count { row -> written[row] == read[largest(attention[row])] }
        val longer = word.text.startsWith(name.text) && !NUMBERS.matches(word.text)
        val same = alike.toDouble() / word.size >= LEAST_ALIKE
        if (strange || word.isName && same && !longer) taken[word] = name
    }
    val result = symbols.toMutableList()
    for ((word, name) in taken.entries.sortedByDescending { it.key.range.first }) {
        result.subList(word.range.first, word.range.last + 1).clear()
        result.addAll(word.range.first, source.slice(name.range))
    }
    return result
}

/** Runs of subwords of letters, or of digits, with the space before them. */
private fun wordsOf(tokenizer: Tokenizer, ids: List<Int>, pieces: List<String>): List<Word> {
    val words = mutableListOf<Word>()
    var start = 0
    var some = false
    for ((k, piece) in (pieces + SPACE).withIndex()) {
        val bare = piece.removePrefix(SPACE)
        val inside = INSIDE.matches(bare) || isByte(bare)
        if (some && (piece != bare || !inside)) {
            var text = pieces.subList(start, k).joinToString("").removePrefix(SPACE)
            if ("<0x" in text) text = tokenizer.decode(ids.subList(start, k)).trim()
            val marked = pieces.getOrNull(k).let { it == CAPITAL || it == CAPITALS }
            words += Word(text, start until k, pieces[start].startsWith(SPACE), marked)
            some = false
        }
        if (!some && (piece != bare || pieces.getOrNull(k - 1) != SPACE)) start = k
        some = some || inside
    }
    return words
}

private fun isSpelled(
    tokenizer: Tokenizer,
    word: Word,
    pieces: List<String>,
    lifted: Boolean,
): Boolean {
    val first = pieces.take(word.range.first).none { it.startsWith(SPACE) }
    if (word.size < LEAST_SPELLED || !(word.isName || first && lifted)) return false
    return !first || tokenizer.encode(word.text.lowercase()).size >= LEAST_SPELLED
}

/** Whether a text has letters, or emoji, that the training data lacks. */
private fun isForeign(tokenizer: Tokenizer, text: String): Boolean = characters(text).any { c ->
    c.codePointAt(0) > 0xff && FOREIGN.matches(c) &&
        tokenizer.pieces(tokenizer.encode(c)).any(::isByte)
}

private fun isByte(piece: String): Boolean = piece.length == 6 && piece.startsWith("<0x")

private fun largest(values: FloatArray): Int = values.indices.maxBy { values[it] }
