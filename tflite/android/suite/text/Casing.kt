package lstm.text

/*
 * Letter case as symbols of its own.
 */

const val CAPITAL = "\ue000"
const val CAPITALS = "\ue001"
private const val JOIN = "\ue002"
val CASE_SYMBOLS = listOf(CAPITAL, CAPITALS, JOIN)

// Python's [^\W\d_] and \w.
internal const val LETTER = """[\p{L}\p{Nl}\p{No}]"""
internal const val WORD = """[\p{L}\p{N}_]"""

// Capitals of one small letter that has them for its one capital; other letters stay as they are.
private val UPPER = ((0x41 until 0x250) + (0x1e00 until 0x1f00)).map { it.toChar().toString() }
    .filter { c -> c.lowercase().let { it.length == 1 && it != c && it.uppercase() == c } }
    .joinToString("")
private val SMALL = """(?:(?![$UPPER])$LETTER)"""
private val SEGMENT = Regex(
    """(?<i>(?<!$WORD)I(?!$WORD))|(?<all>[$UPPER]{2,})|(?<one>[$UPPER]$SMALL*)|(?<small>$SMALL+)""",
)
private val MARKED = Regex("""($LETTER+)([\ue000-\ue002]?)|[\ue000-\ue002]""")
private val LETTERS = Regex(LETTER)
private const val FEW = 4

/** Case that belongs to a sentence and not to a word of it. */
data class Style(val first: Boolean, val all: Boolean)

/** The text in small letters and symbols; [restoreCase] makes the text of it again. */
fun lowerCase(text: String): Pair<String, Style> {
    val letters = LETTERS.findAll(text).map { it.value }.toList()
    val first = letters.firstOrNull()?.let { it in UPPER } ?: false
    if (letters.size >= FEW && letters.all { it in UPPER }) {
        return text.lowercase() to Style(first, true)
    }
    val start = LETTERS.find(text)?.range?.first
    val lowered = text.replace(SEGMENT) { match ->
        val word = match.value
        val one = match.groups["one"] != null
        when {
            match.groups["i"] != null -> word
            match.groups["all"] != null -> word.lowercase() + CAPITALS
            one && match.range.first != start -> word.lowercase() + CAPITAL
            else -> {
                val next = text.getOrNull(match.range.last + 1)
                val join = if (next != null && next in UPPER) JOIN else ""
                (if (one) word.lowercase() else word) + join
            }
        }
    }
    return lowered to Style(first, false)
}

/** The text with its capitals; a symbol behind no letter vanishes. */
fun restoreCase(text: String, style: Style): String {
    val cased = text.replace(MARKED) { match ->
        val word = match.groups[1]?.value ?: ""
        when (match.groups[2]?.value) {
            CAPITALS -> word.uppercase()
            CAPITAL -> capitalized(word)
            else -> word
        }
    }
    if (style.all) return cased.uppercase()
    val begin = (if (style.first) LETTERS.find(cased) else null)?.range?.first ?: return cased
    return cased.take(begin) + capitalized(cased.substring(begin))
}

private fun capitalized(word: String): String {
    val first = characters(word.take(2)).firstOrNull() ?: return word
    val upper = first.uppercase()
    return (if (characters(upper).size == 1) upper else first) + word.substring(first.length)
}
