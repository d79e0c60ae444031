package lstm.translation

import lstm.decoding.Constraint
import lstm.decoding.MASKED
import lstm.text.END
import lstm.text.PLACEHOLDER_SYMBOLS
import lstm.text.SPACE
import lstm.text.Slot
import lstm.text.Tokenizer

private val DIGIT = Regex("""\p{Nd}""")

/** Decoding so that each placeholder of the source comes once. */
class Placing(tokenizer: Tokenizer) {
    private val bare =
        tokenizer.pieces((0 until tokenizer.vocabulary).toList()).map { it.removePrefix(SPACE) }
    private val symbol = bare.map { PLACEHOLDER_SYMBOLS.indexOf(it) } // -1 is no placeholder
    private val ids = bare.indices.filter { symbol[it] >= 0 }
    private val digits = bare.indices.filter { DIGIT in bare[it] && !bare[it].startsWith("<0x") }

    fun constraint(slots: List<Slot>, maxLength: Int): Constraint {
        val wanted = slots.map { PLACEHOLDER_SYMBOLS.indexOf(it.symbol.toString()) }.toSet()
        return { prefix, values ->
            val missing = wanted - prefix.map { symbol[it] }.toSet()
            val placed = ids.map { if (symbol[it] in missing) values[it] else MASKED }
            fun place() = ids.forEachIndexed { k, id -> values[id] = placed[k] }
            digits.forEach { values[it] = MASKED }
            place()
            if (missing.isNotEmpty()) {
                val best = values.indices.maxBy { values[it] }
                if (best == END || missing.size >= maxLength - prefix.size - 1) {
                    values.fill(MASKED)
                    place()
                }
                values[END] = MASKED
            }
        }
    }
}
