package lstm

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Direct buffers in native order by name, as LiteRT takes them. */
typealias Tensors = Map<String, ByteBuffer>

/** What runs the graphs of a bundle: `Interpreter.runSignature` on Android. */
interface Runtime : AutoCloseable {
    fun run(graph: String, inputs: Tensors, outputs: Tensors)
}

/** A tensor as `bundle.json` describes it. */
class Described(json: Json) {
    val name = json["name"].text
    val role = json["role"].text
    val shape = json["shape"].ints
    val dtype = json["dtype"].text

    /** A zeroed buffer for it. */
    fun buffer(): ByteBuffer =
        direct(shape.fold(1, Int::times) * if (dtype == "uint8") 1 else Int.SIZE_BYTES)
}

/** What `bundle.json` tells. */
class Bundle(text: String) {
    val json = Json.parse(text, "bundle.json")
    val model = json["model"].text
    val config = json["config"]
    val decoding = json["decoding"]
    private val signatures = json["signatures"].map

    init {
        val version = json["format_version"].int
        if (version != VERSION) throw InputError("bundle.json has version $version, not $VERSION")
    }

    val graphs: Set<String> get() = signatures.keys

    /** Tensors of a graph, `side` is `inputs` or `outputs`. */
    fun tensors(graph: String, side: String): List<Described> =
        tensors.getOrPut(graph to side) { signatures.getValue(graph)[side].list.map(::Described) }

    private val tensors = mutableMapOf<Pair<String, String>, List<Described>>()

    private companion object {
        const val VERSION = 1
    }
}

/**
 * A model that generates: two functions with explicit state.
 *
 *     encode(condition)           -> state, memory
 *     step(symbol, state, memory) -> outputs, state
 *
 * It keeps nothing between calls; one generator belongs to one thread.
 */
class Generator(val bundle: Bundle, private val runtime: Runtime) : AutoCloseable by runtime {
    class Encoded(val state: Tensors, val memory: Tensors)

    class Stepped(val outputs: Map<String, FloatArray>, val state: Tensors)

    fun encode(condition: Tensors): Encoded {
        val (state, memory) = run("encode", condition)
        return Encoded(state, memory)
    }

    /** The old state is left as it is. */
    fun step(symbol: Tensors, state: Tensors, memory: Tensors): Stepped {
        val (next, outputs) = run("step", symbol + state + memory)
        return Stepped(outputs.mapValues { (_, buffer) -> buffer.floats() }, next)
    }

    /** Runs a graph; returns its state, and its other results. */
    private fun run(graph: String, inputs: Tensors): Pair<Tensors, Tensors> {
        val described = bundle.tensors(graph, "outputs")
        val results = described.associate { it.name to it.buffer() }
        runtime.run(graph, inputs, results)
        val states = described.filter { it.role == "state" }.map { it.name }.toSet()
        return results.filterKeys { it in states } to results.filterKeys { it !in states }
    }
}

private fun direct(bytes: Int): ByteBuffer =
    ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

fun tensorOf(vararg values: Int): ByteBuffer =
    direct(values.size * Int.SIZE_BYTES).apply { asIntBuffer().put(values) }

fun tensorOf(vararg values: Float): ByteBuffer =
    direct(values.size * Float.SIZE_BYTES).apply { asFloatBuffer().put(values) }

fun tensorOf(values: ByteArray): ByteBuffer = direct(values.size).apply { duplicate().put(values) }

/** A mask whose first [count] places are 1. */
fun maskOf(count: Int, length: Int): ByteBuffer =
    tensorOf(ByteArray(length) { if (it < count) 1 else 0 })

/** The values of a float32 tensor. */
fun ByteBuffer.floats(): FloatArray {
    rewind()
    return FloatArray(capacity() / Float.SIZE_BYTES).also { asFloatBuffer().get(it) }
}
