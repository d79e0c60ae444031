package lstm.translation

import lstm.text.CASE_SYMBOLS
import lstm.text.Kind
import lstm.text.PLACEHOLDER
import lstm.text.SPACES
import lstm.text.Slot
import lstm.text.Style
import lstm.text.fill
import lstm.text.lift
import lstm.text.lowerCase
import lstm.text.normalize
import lstm.text.restoreCase

private val BEFORE = Regex("""^(?:[\ue030-\ue037] ?)+""")
private val AFTER = Regex("""(?: ?[\ue030-\ue037])+\z""")
private val LIST = Regex(
    """^(?:(?:[\-–—*•·]+|\(?\p{Nd}{1,2}\)|\(?[A-Za-z]\)) )?""" +
        """(?:\[[^\[\]]{1,40}\]:? ?)?(?=[^$SPACES])""",
)
private val ANY = Regex(PLACEHOLDER)
private val LETTER = Regex("""\p{L}""")

/** A sentence in parts, as a model that lifts reads it; [finished] makes the sentence again. */
class Form(
    val text: String,
    val slots: List<Slot> = emptyList(),
    val style: Style = Style(first = true, all = false),
    val before: String = "",
    val after: String = "",
    val left: Int = 0,
) {
    /** Whether there is no word to translate. */
    val isEmpty: Boolean get() = LETTER !in text

    /** What the model wrote, with all that was lifted out of its source. */
    fun finished(written: String): String =
        before + fill(restoreCase(written, style), slots).trim(' ') + after

    companion object {
        fun of(given: String): Form {
            val text = normalize(given)
            var before = LIST.find(text)?.value.orEmpty()
            val lifted = lift(text.substring(before.length))
            var inner = lifted.text
            var after = ""
            BEFORE.find(inner)?.let {
                inner = inner.substring(it.value.length)
                before += fill(it.value + "x", lifted.slots).dropLast(1)
            }
            AFTER.find(inner)?.let {
                inner = inner.take(it.range.first)
                after = fill("x" + it.value, lifted.slots).drop(1)
            }
            val kept = ANY.findAll(inner).map { it.value.single() }.toSet()
            val (lowered, style) = lowerCase(inner)
            val slots = lifted.slots.filter { it.symbol in kept }
            return Form(lowered, slots, style, before, after, lifted.left)
        }
    }
}

private val SHOWN = buildMap {
    for (kind in Kind.entries) {
        kind.symbols.forEachIndexed { k, c -> put(c, "⟨${kind.name.lowercase()} ${k + 1}⟩") }
    }
    CASE_SYMBOLS.zip(listOf("⟨Aa⟩", "⟨AA⟩", "⟨|⟩")) { symbol, name -> put(symbol.single(), name) }
}

/** A subword as people can read it. */
fun shown(piece: String): String = piece.map { SHOWN[it] ?: it }.joinToString("")
