package lstm.text

private val BREAK = Regex(
    """([.!?…]+["'”’»)\]]*)([$SPACES]+)(?=["'“‘„«¿¡(\[]*(?![_a-zß-öø-ÿ])[\p{L}\p{N}_])""" +
        """|([$SPACES]*[\n\r\u000b\f\x85\u2028\u2029][$SPACES]*)""",
)
private val GAP = Regex("[$SPACES]+")
private val CLAUSE = Regex("(?<=[;:,–—])[$SPACES]+")
private val TRAILING = Regex("""[$SPACES]+\z""")
private val LETTER_ALONE = Regex("""\p{L}""")
private val DAY = Regex("""\p{Nd}{1,2}""")
private val ABBREVIATIONS = (
    "mr mrs ms dr prof st jr sr vs etc e.g i.e no fig al " +
        "hr fr bzw z.b d.h u.a usw ca nr str evtl inkl " +
        "sra srta ud uds pág p.ej mme mlle"
    ).split(' ').toSet()

/** A sentence, and the space after it. */
data class Sentence(val text: String, val after: String)

/** Splits a text into sentences; texts and what is after them are the text again. */
fun splitSentences(text: String): List<Sentence> {
    val result = mutableListOf<Sentence>()
    var start = 0
    for (match in BREAK.findAll(text)) {
        val marks = match.groups[1]?.value.orEmpty()
        val place = match.range.first
        if (marks == "." && isAbbreviation(text.substring(start, place))) continue
        val end = place + marks.length
        result += Sentence(text.substring(start, end), match.value.substring(marks.length))
        start = match.range.last + 1
    }
    if (start < text.length || result.isEmpty()) {
        val rest = text.substring(start)
        val stripped = rest.replace(TRAILING, "")
        result += Sentence(stripped, rest.substring(stripped.length))
    }
    return result
}

private fun isAbbreviation(before: String): Boolean {
    val word = before.substringAfterLast(' ').trimStart { it in "(\"'“„«" }.lowercase()
    return LETTER_ALONE.matches(word) || word in ABBREVIATIONS || DAY.matches(word)
}

/** Splits a sentence into as few parts as possible, each at most [room] long by [length]. */
fun fitSentence(
    text: String,
    room: Int,
    cuts: List<Regex?> = listOf(CLAUSE, GAP, null),
    length: (String) -> Int,
): List<String> {
    if (length(text) <= room || text.length < 2) return listOf(text)
    val cut = cuts.first()
    val finer = cuts.drop(1)
    val pieces = if (cut == null) characters(text) else text.split(cut)
    val glue = if (cut == null) "" else " "
    if (pieces.size == 1 && finer.isNotEmpty()) return fitSentence(text, room, finer, length)
    val parts = mutableListOf<String>()
    for (piece in pieces) {
        val longer = parts.lastOrNull()?.let { it + glue + piece }
        val fits = longer != null && length(longer) <= room
        if (fits) parts[parts.lastIndex] = longer else parts += piece
    }
    return if (finer.isEmpty()) parts else parts.flatMap { fitSentence(it, room, finer, length) }
}
