package lstm

/** Bad input, told in one line; shown to the user as it is. */
class InputError(message: String) : IllegalArgumentException(message)

/** A value of JSON; what is missing or of another kind is an [InputError]. */
class Json private constructor(private val value: Any?, private val name: String) {
    val text: String get() = cast("a text")
    val number: Double get() = cast("a number")
    val int: Int get() = number.toInt()
    val flag: Boolean get() = cast("true or false")
    val list: List<Json>
        get() = cast<List<Any?>>("a list").mapIndexed { k, item -> Json(item, "$name[$k]") }
    val map: Map<String, Json>
        get() = cast<Map<String, Any?>>("an object").mapValues { (key, item) -> Json(item, key) }
    val ints: IntArray get() = list.map { it.int }.toIntArray()
    val isNull: Boolean get() = value == null
    val isList: Boolean get() = value is List<*>

    operator fun get(key: String): Json = find(key) ?: throw InputError("$name has no '$key'")

    fun find(key: String): Json? = map[key]

    private inline fun <reified T> cast(kind: String): T =
        value as? T ?: throw InputError("$name is not $kind")

    companion object {
        /** Reads a text of JSON; [name] is what errors call it. */
        fun parse(text: String, name: String = "JSON"): Json =
            Json(Reader(text, name).document(), name)
    }
}

private class Reader(private val text: String, private val name: String) {
    private var place = 0

    fun document(): Any? {
        val value = value()
        skip()
        return if (place == text.length) value else fail()
    }

    private fun value(): Any? {
        skip()
        return when (text.getOrNull(place)) {
            '{' -> members()
            '[' -> items()
            '"' -> string()
            else -> literal()
        }
    }

    private fun members(): Map<String, Any?> = buildMap {
        between('}') {
            skip()
            val key = string()
            expect(':')
            put(key, value())
        }
    }

    private fun items(): List<Any?> = buildList { between(']') { add(value()) } }

    private fun between(end: Char, item: () -> Unit) {
        place++
        skip()
        if (text.getOrNull(place) != end) {
            do {
                item()
                skip()
            } while (text.getOrNull(place) == ',' && place++ >= 0)
        }
        expect(end)
    }

    private fun string(): String {
        expect('"')
        return buildString {
            while (true) {
                when (val c = next()) {
                    '"' -> break
                    '\\' -> append(escaped())
                    else -> append(c)
                }
            }
        }
    }

    private fun escaped(): Char = when (val c = next()) {
        'b' -> '\b'
        'f' -> '\u000c'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> String(CharArray(4) { next() }).toInt(16).toChar()
        else -> c
    }

    private fun literal(): Any? {
        val start = place
        while (place < text.length && text[place] !in ",:]} \t\r\n") place++
        return when (val word = text.substring(start, place)) {
            "true" -> true
            "false" -> false
            "null" -> null
            else -> word.toDoubleOrNull() ?: fail()
        }
    }

    private fun next(): Char = text.getOrNull(place++) ?: fail()

    private fun expect(c: Char) {
        skip()
        if (next() != c) fail()
    }

    private fun skip() {
        while (place < text.length && text[place] in " \t\r\n") place++
    }

    private fun fail(): Nothing = throw InputError("$name is no JSON at character $place")
}
