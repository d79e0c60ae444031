package lstm.jvm

import com.sun.jna.Library
import com.sun.jna.Memory
import com.sun.jna.Native
import com.sun.jna.Pointer
import com.sun.jna.ptr.LongByReference
import com.sun.jna.ptr.PointerByReference
import lstm.InputError
import lstm.Runtime
import lstm.Tensors

/** What is used of LiteRT's C interface, as of 2.3; see `tflite/c/litert.h`. */
@Suppress("FunctionName")
private interface LiteRt : Library {
    fun LiteRtCreateEnvironment(options: Int, option: Pointer?, to: PointerByReference): Int
    fun LiteRtCreateModelFromFile(environment: Pointer, path: String, to: PointerByReference): Int
    fun LiteRtCreateOptions(to: PointerByReference): Int
    fun LiteRtSetOptionsHardwareAccelerators(options: Pointer, accelerators: Int): Int
    fun LiteRtCreateCompiledModel(
        environment: Pointer, model: Pointer, options: Pointer, to: PointerByReference,
    ): Int
    fun LiteRtGetNumModelSignatures(model: Pointer, to: LongByReference): Int
    fun LiteRtGetModelSignature(model: Pointer, index: Long, to: PointerByReference): Int
    fun LiteRtGetSignatureKey(signature: Pointer, to: PointerByReference): Int
    fun LiteRtGetNumSignatureInputs(signature: Pointer, to: LongByReference): Int
    fun LiteRtGetNumSignatureOutputs(signature: Pointer, to: LongByReference): Int
    fun LiteRtGetSignatureInputName(signature: Pointer, index: Long, to: PointerByReference): Int
    fun LiteRtGetSignatureOutputName(signature: Pointer, index: Long, to: PointerByReference): Int
    fun LiteRtGetSignatureInputTensorByIndex(
        signature: Pointer, index: Long, to: PointerByReference,
    ): Int
    fun LiteRtGetSignatureOutputTensorByIndex(
        signature: Pointer, index: Long, to: PointerByReference,
    ): Int
    fun LiteRtGetRankedTensorType(tensor: Pointer, type: Pointer): Int
    fun LiteRtGetCompiledModelInputBufferRequirements(
        model: Pointer, signature: Long, index: Long, to: PointerByReference,
    ): Int
    fun LiteRtGetCompiledModelOutputBufferRequirements(
        model: Pointer, signature: Long, index: Long, to: PointerByReference,
    ): Int
    fun LiteRtCreateManagedTensorBufferFromRequirements(
        environment: Pointer, type: Pointer, requirements: Pointer, to: PointerByReference,
    ): Int
    fun LiteRtGetTensorBufferPackedSize(buffer: Pointer, to: LongByReference): Int
    fun LiteRtLockTensorBuffer(buffer: Pointer, to: PointerByReference, mode: Int): Int
    fun LiteRtUnlockTensorBuffer(buffer: Pointer): Int
    fun LiteRtRunCompiledModel(
        model: Pointer, signature: Long,
        inputCount: Long, inputs: Array<Pointer>, outputCount: Long, outputs: Array<Pointer>,
    ): Int
    fun LiteRtDestroyTensorBuffer(buffer: Pointer)
    fun LiteRtDestroyCompiledModel(model: Pointer)
    fun LiteRtDestroyOptions(options: Pointer)
    fun LiteRtDestroyModel(model: Pointer)
    fun LiteRtDestroyEnvironment(environment: Pointer)
}

private const val CPU = 1
private const val READ = 0
private const val WRITE = 1
private const val TYPE_BYTES = 72L // of LiteRtRankedTensorType

private class Buffer(val name: String, val pointer: Pointer, val bytes: Long)

private class Graph(val index: Long, val inputs: List<Buffer>, val outputs: List<Buffer>)

/** Runs a model on the JVM by the `libLiteRt.so` of the Python wheel `ai-edge-litert`, 2.3. */
class LiteRtRuntime(library: String, path: String) : Runtime {
    private val lite = Native.load(library, LiteRt::class.java)
    private val environment = made { lite.LiteRtCreateEnvironment(0, null, it) }
    private val model = made { lite.LiteRtCreateModelFromFile(environment, path, it) }
    private val options = made(lite::LiteRtCreateOptions)
        .also { check(lite.LiteRtSetOptionsHardwareAccelerators(it, CPU)) }
    private val compiled = made { lite.LiteRtCreateCompiledModel(environment, model, options, it) }
    private val graphs =
        (0 until counted { lite.LiteRtGetNumModelSignatures(model, it) }).associate(::graph)

    override fun run(graph: String, inputs: Tensors, outputs: Tensors) {
        val found = graphs[graph] ?: throw InputError("the model has no graph '$graph'")
        for (buffer in found.inputs) {
            val given = inputs[buffer.name]?.duplicate()?.apply { rewind() }
            if (given?.remaining()?.toLong() != buffer.bytes) {
                throw InputError("'${buffer.name}' of $graph takes ${buffer.bytes} bytes")
            }
            locked(buffer, WRITE) { it.getByteBuffer(0, buffer.bytes).put(given) }
        }
        check(
            lite.LiteRtRunCompiledModel(
                compiled,
                found.index,
                found.inputs.size.toLong(),
                found.inputs.map { it.pointer }.toTypedArray(),
                found.outputs.size.toLong(),
                found.outputs.map { it.pointer }.toTypedArray(),
            ),
        )
        for (buffer in found.outputs) {
            val wanted = outputs[buffer.name]?.duplicate()?.apply { rewind() } ?: continue
            locked(buffer, READ) { wanted.put(it.getByteBuffer(0, buffer.bytes)) }
        }
    }

    override fun close() {
        val buffers = graphs.values.flatMap { it.inputs + it.outputs }
        buffers.forEach { lite.LiteRtDestroyTensorBuffer(it.pointer) }
        lite.LiteRtDestroyCompiledModel(compiled)
        lite.LiteRtDestroyOptions(options)
        lite.LiteRtDestroyModel(model)
        lite.LiteRtDestroyEnvironment(environment)
    }

    private fun graph(index: Long): Pair<String, Graph> {
        val signature = made { lite.LiteRtGetModelSignature(model, index, it) }
        val inputCount = counted { lite.LiteRtGetNumSignatureInputs(signature, it) }
        val inputs = (0 until inputCount).map { k ->
            buffer(
                made { lite.LiteRtGetSignatureInputName(signature, k, it) },
                made { lite.LiteRtGetSignatureInputTensorByIndex(signature, k, it) },
                made { lite.LiteRtGetCompiledModelInputBufferRequirements(compiled, index, k, it) },
            )
        }
        val outputCount = counted { lite.LiteRtGetNumSignatureOutputs(signature, it) }
        val outputs = (0 until outputCount).map { k ->
            buffer(
                made { lite.LiteRtGetSignatureOutputName(signature, k, it) },
                made { lite.LiteRtGetSignatureOutputTensorByIndex(signature, k, it) },
                made {
                    lite.LiteRtGetCompiledModelOutputBufferRequirements(compiled, index, k, it)
                },
            )
        }
        val key = made { lite.LiteRtGetSignatureKey(signature, it) }.getString(0)
        return key to Graph(index, inputs, outputs)
    }

    private fun buffer(name: Pointer, tensor: Pointer, requirements: Pointer): Buffer {
        val type = Memory(TYPE_BYTES)
        check(lite.LiteRtGetRankedTensorType(tensor, type))
        val made = made {
            lite.LiteRtCreateManagedTensorBufferFromRequirements(
                environment, type, requirements, it,
            )
        }
        val bytes = counted { lite.LiteRtGetTensorBufferPackedSize(made, it) }
        return Buffer(name.getString(0), made, bytes)
    }

    private fun locked(buffer: Buffer, mode: Int, use: (Pointer) -> Unit) {
        use(made { lite.LiteRtLockTensorBuffer(buffer.pointer, it, mode) })
        check(lite.LiteRtUnlockTensorBuffer(buffer.pointer))
    }

    private fun made(call: (PointerByReference) -> Int): Pointer =
        PointerByReference().also { check(call(it)) }.value

    private fun counted(call: (LongByReference) -> Int): Long =
        LongByReference().also { check(call(it)) }.value

    private fun check(status: Int) {
        if (status != 0) throw InputError("LiteRT status $status")
    }
}
