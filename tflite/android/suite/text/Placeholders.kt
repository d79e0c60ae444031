package lstm.text

/*
 * What must not be translated, lifted out of a sentence.
 */

const val PLACEHOLDERS = 8 // of each kind

enum class Kind(private val from: Char) {
    NUMBER('\ue010'), THING('\ue020'), MARK('\ue030');

    val symbols: List<Char> = List(PLACEHOLDERS) { from + it }
}

val PLACEHOLDER_SYMBOLS: List<String> = Kind.entries.flatMap { it.symbols }.map(Char::toString)
internal const val PLACEHOLDER = """[\ue010-\ue017\ue020-\ue027\ue030-\ue037]"""
private val ANY = Regex(PLACEHOLDER)
private val SPACED = Regex("( ?)($PLACEHOLDER)")
private const val GLUE = '\u0000'
private val GLUED = Regex(""" ?(?:\x00 ?)+""")

private const val FOLLOWS = "(?!$WORD)"
private const val DIGITS =
    """(?:\p{Nd}{1,3}(?:[ '’]\p{Nd}{3})+(?!\p{Nd})|\p{Nd}+)(?:[.,:/'’–\-]\p{Nd}+)*"""
private const val NUMBER = """(?:(?<![\p{L}\p{N}_.,:/'’–\-])[+−\-])?$DIGITS"""
private const val FOREIGN = """[^\x00-\u036f\u1e00-\u1eff\u2000-\u2bff""" +
    """\ue000-\uf8ff\ufe00-\ufe0f\x{1f000}-\x{1faff}]+"""
private val MARKS = listOf(
    """<!--.*?-->|</?[A-Za-z][^<>]*>""",
    """\[[^\[\]]{1,40}\]""",
    """(?:[\u2190-\u21ff\u2300-\u2bff\x{1f000}-\x{1faff}][\ufe0f\u200d\u20e3]*)+""",
    """[\ue000-\uf8ff]+""",
    """(?<![^$SPACES])[:;]-?[()DPp]$FOLLOWS""",
).joinToString("|")
private val THINGS = listOf(
    """(?:https?://|www\.)[^$SPACES<>"]*[^$SPACES<>".,;:!?)\]'’»]""",
    """[\p{L}\p{N}_.+\-]+@[\p{L}\p{N}_\-]+(?:\.[\p{L}\p{N}_\-]+)+""",
    """(?<![\p{L}\p{N}_.])(?:[\p{L}\p{N}_\-]+\.)+""" +
        """(?:com|org|net|edu|gov|info|io|eu|de|fr|es|uk|ch|at)""" +
        """(?:/[^$SPACES<>"]*[\p{L}\p{N}_/])?$FOLLOWS""",
    """(?<!$WORD)[@#]$WORD+""",
    """&(?:#\p{Nd}+|#[xX][0-9A-Fa-f]+|[A-Za-z]$WORD*);""",
    """\{\{[^\{\}]*\}\}|\{[^\{\}]*\}|%\($WORD+\)[sd]|%[sd]$FOLLOWS""",
    """$FOREIGN(?:[ ]$FOREIGN)*""",
).joinToString("|")
private const val HOUR = """(?<!$WORD)\p{Nd}{1,2}h\p{Nd}{2}$FOLLOWS"""
private const val MIXED =
    """(?<!$WORD)(?:(?:$WORD+-)*$WORD*$LETTER$WORD*\p{Nd}$WORD*(?:-$WORD+)*""" +
        """|[A-Z]{2,}-\p{Nd}+$FOLLOWS)"""
private const val AMOUNT = """(?:US|A|C)?[\x24€£¥₹][ ]?$NUMBER""" +
    """|$NUMBER(?:[ ]?(?:[\x24€£¥₹%‰]|°[CF]?$FOLLOWS))?"""
private val PATTERN = Regex("($MARKS)|($THINGS)|($HOUR)|($MIXED)|($AMOUNT)")
private val GROUPS = listOf(Kind.MARK, Kind.THING, Kind.NUMBER, Kind.THING, Kind.NUMBER)

/** A placeholder, what it stands for, and whether that touches its neighbors. */
data class Slot(
    val symbol: Char,
    val text: String,
    val before: Boolean = false,
    val after: Boolean = false,
)

/** `left` counts what found no placeholder. */
class Lifted(val text: String, val slots: List<Slot>, val left: Int)

/** The normalized text with placeholders: [fill] makes the normalized text of it again. */
fun lift(given: String): Lifted {
    val text = normalize(given)
    val slots = mutableListOf<Slot>()
    val used = mutableMapOf<Kind, Int>()
    var left = 0
    var spaced = -1 // the end of the last mark that has been given a space behind it
    val lifted = text.replace(PATTERN) { match ->
        val kind = GROUPS[(1..GROUPS.size).first { match.groups[it] != null } - 1]
        val count = used.getOrDefault(kind, 0)
        if (count == PLACEHOLDERS) {
            left++
            return@replace match.value.replace(ANY, "\ufffd")
        }
        used[kind] = count + 1
        val symbol = kind.symbols[count]
        if (kind != Kind.MARK) {
            slots += Slot(symbol, match.value)
            return@replace symbol.toString()
        }
        val (start, end) = match.range.first to match.range.last + 1
        val slot = Slot(
            symbol,
            match.value,
            before = start > 0 && text[start - 1] != ' ',
            after = end < text.length && text[end] != ' ',
        )
        slots += slot
        val space = if (slot.before && spaced != start) " " else ""
        spaced = end
        space + symbol + if (slot.after) " " else ""
    }
    return Lifted(lifted, slots, left)
}

/** The text with what its placeholders stand for; those that stand for nothing vanish. */
fun fill(text: String, slots: List<Slot>): String {
    val known = slots.associateBy { it.symbol.toString() }
    val filled = text.replace(SPACED) { match ->
        val (space, symbol) = match.destructured
        val slot = known[symbol] ?: return@replace ""
        fun glue(touches: Boolean) = if (touches) GLUE.toString() else ""
        space + glue(slot.before) + slot.text + glue(slot.after)
    }
    return filled.replace(GLUED, "")
}
