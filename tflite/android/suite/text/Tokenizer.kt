package lstm.text

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.CharacterCodingException
import java.util.PriorityQueue
import lstm.InputError

const val START = 2
const val END = 3
const val SPACE = "\u2581"
private const val UNKNOWN = 1
private const val NORMAL = 1
private const val CONTROL = 3
private const val DEFINED = 4
private const val BYTE = 6

private class Piece(val text: String, val score: Float, val kind: Int)

/** A byte-pair SentencePiece model. */
class Tokenizer(model: ByteArray) {
    private val table = readPieces(model)
    private val ids = table.indices // of what text matches
        .filter { table[it].kind == NORMAL || table[it].kind == DEFINED }
        .associateBy { table[it].text }
    private val named = table.indices.associateBy { table[it].text }
    private val firstByte = named["<0x00>"] ?: throw InputError("not a tokenizer of this suite")
    private val defined = table.filter { it.kind == DEFINED }.map { it.text }
        .sortedByDescending { it.length }.takeIf { it.isNotEmpty() }
        ?.joinToString("|") { Regex.escape(it) }?.toRegex()

    val vocabulary: Int get() = table.size

    /** Ids of text, without start and end. */
    fun encode(text: String): List<Int> {
        val spaced = normalize(text).replace(" ", SPACE)
        if (spaced.isEmpty()) return emptyList()
        return merged(SPACE + spaced).flatMap { piece ->
            ids[piece]?.let { listOf(it) }
                ?: piece.encodeToByteArray().map { firstByte + it.toUByte().toInt() }
        }
    }

    /** Normalized text of ids, without control symbols. */
    fun decode(ids: List<Int>): String {
        val text = StringBuilder()
        val bytes = mutableListOf<Byte>()
        fun flush() {
            text.append(utf8(bytes.toByteArray()))
            bytes.clear()
        }
        for (id in ids) {
            val piece = table[id]
            if (piece.kind == BYTE) {
                bytes += (id - firstByte).toByte()
            } else if (piece.kind != CONTROL && id != UNKNOWN) {
                flush()
                text.append(piece.text)
            }
        }
        flush()
        return text.removePrefix(SPACE).toString().replace(SPACE, " ")
    }

    fun pieces(ids: List<Int>): List<String> = ids.map { table[it].text }

    /** The id of a control symbol, such as `<2de>`. */
    fun id(symbol: String): Int = named[symbol]?.takeIf { table[it].kind == CONTROL }
        ?: throw InputError("the tokenizer has no symbol '$symbol'")

    private class Pair(val left: Int, val right: Int, val score: Float, val size: Int)

    /** Merges neighbors while that makes a piece: best score first, then leftmost. */
    private fun merged(text: String): List<String> {
        val symbols = mutableListOf<String?>()
        val frozen = mutableListOf<Boolean>()
        fun add(part: String, whole: Boolean) {
            symbols += if (whole) listOf(part) else characters(part)
            while (frozen.size < symbols.size) frozen += whole
        }
        var done = 0
        for (match in defined?.findAll(text).orEmpty()) {
            add(text.substring(done, match.range.first), false)
            add(match.value, true)
            done = match.range.last + 1
        }
        add(text.substring(done), false)

        val next = IntArray(symbols.size) { if (it < symbols.lastIndex) it + 1 else -1 }
        val before = IntArray(symbols.size) { it - 1 }
        val queue = PriorityQueue(compareByDescending<Pair> { it.score }.thenBy { it.left })
        fun offer(left: Int, right: Int) {
            if (left < 0 || right < 0 || frozen[left] || frozen[right]) return
            val joined = symbols[left] + symbols[right]
            ids[joined]?.let { queue.add(Pair(left, right, table[it].score, joined.length)) }
        }
        for (k in 1 until symbols.size) offer(k - 1, k)
        while (true) {
            val pair = queue.poll() ?: break
            val (left, right) = pair.left to pair.right
            val a = symbols[left] ?: continue
            val b = symbols[right] ?: continue
            // Another merge may have been first.
            if (next[left] != right || a.length + b.length != pair.size) continue
            symbols[left] = a + b
            symbols[right] = null
            next[left] = next[right]
            if (next[right] >= 0) before[next[right]] = left
            offer(before[left], left)
            offer(left, next[left])
        }
        return symbols.filterNotNull()
    }
}

/** UTF-8, each byte outside of it one U+FFFD. */
private fun utf8(bytes: ByteArray): String = buildString {
    var k = 0
    while (k < bytes.size) {
        val size = when (bytes[k].toUByte().toInt()) {
            in 0 until 0x80 -> 1
            in 0x80 until 0xe0 -> 2
            in 0xe0 until 0xf0 -> 3
            else -> 4
        }
        val end = minOf(k + size, bytes.size)
        try {
            append(bytes.decodeToString(k, end, throwOnInvalidSequence = true))
            k = end
        } catch (_: CharacterCodingException) {
            append('\ufffd')
            k++
        }
    }
}

/** The pieces of a SentencePiece `ModelProto`. */
private fun readPieces(data: ByteArray): List<Piece> {
    val buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
    fun varint(): Int {
        var value = 0
        var shift = 0
        while (true) {
            val byte = buffer.get().toInt()
            value = value or (byte and 0x7f shl shift)
            if (byte >= 0) return value
            shift += 7
        }
    }

    /** Calls back with each field and its wire type; of bytes with the end. */
    fun fields(end: Int, field: (number: Int, kind: Int, value: Int) -> Unit) {
        while (buffer.position() < end) {
            val tag = varint()
            val kind = tag and 7
            when (kind) {
                0 -> field(tag shr 3, kind, varint())
                1 -> buffer.position(buffer.position() + Long.SIZE_BYTES)
                2 -> {
                    val stop = varint() + buffer.position()
                    field(tag shr 3, kind, stop)
                    buffer.position(stop)
                }
                5 -> field(tag shr 3, kind, buffer.int)
                else -> throw InputError("not a SentencePiece model")
            }
        }
    }
    val pieces = mutableListOf<Piece>()
    fields(data.size) { number, kind, end ->
        if (number != 1 || kind != 2) return@fields
        var text = ""
        var score = 0f
        var type = NORMAL
        fields(end) { inner, _, value ->
            when (inner) {
                1 -> text = data.decodeToString(buffer.position(), value)
                2 -> score = Float.fromBits(value)
                3 -> type = value
            }
        }
        pieces += Piece(text, score, type)
    }
    return pieces
}
