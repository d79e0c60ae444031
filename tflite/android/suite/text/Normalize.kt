package lstm.text

import java.text.Normalizer

// Python's \s, which is not Java's, as the inside of a character class.
internal const val SPACES =
    """\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"""
private val SPACE_RUN = Regex("""[$SPACES\u2581]+""") // U+2581 is SentencePiece's space
private val CONTROLS = Regex("""[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+""")

/** Unicode NFC, without control characters, whitespace collapsed. */
fun normalize(text: String): String {
    val clean = wellFormed(text).replace(CONTROLS, "")
    return Normalizer.normalize(clean, Normalizer.Form.NFC).replace(SPACE_RUN, " ").trim(' ')
}

/** The text with U+FFFD for surrogates that are not a pair. */
private fun wellFormed(text: String): String = buildString {
    for ((k, c) in text.withIndex()) {
        val paired = if (c.isHighSurrogate()) text.getOrNull(k + 1)?.isLowSurrogate() == true
        else !c.isLowSurrogate() || text.getOrNull(k - 1)?.isHighSurrogate() == true
        append(if (paired) c else '\ufffd')
    }
}

/** The characters of a text, a pair of surrogates is one. */
internal fun characters(text: String): List<String> =
    text.codePoints().toArray().map { String(Character.toChars(it)) }
