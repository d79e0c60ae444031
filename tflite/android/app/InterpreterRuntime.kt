// Not compiled here: it needs com.google.ai.edge.litert:litert, from Google's Maven repository.
package lstm.android

import java.nio.ByteBuffer
import lstm.Runtime
import lstm.Tensors
import org.tensorflow.lite.Interpreter

/** Runs a model on a phone; [model] is a direct buffer, or a file that is mapped. */
class InterpreterRuntime(model: ByteBuffer) : Runtime {
    private val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(1))

    override fun run(graph: String, inputs: Tensors, outputs: Tensors) {
        (inputs.values + outputs.values).forEach { it.rewind() }
        interpreter.runSignature(inputs, outputs, graph)
        outputs.values.forEach { it.rewind() }
    }

    override fun close() = interpreter.close()
}
