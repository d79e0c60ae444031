package lstm.jvm

import java.io.File
import kotlin.math.abs
import kotlin.system.exitProcess
import lstm.Bundle
import lstm.Generator
import lstm.InputError
import lstm.Json
import lstm.text.Tokenizer

/** The repository's bundles, and the tables of what Python computes. */
internal class Shared(private val library: String, private val root: File) {
    val table: Json by lazy { json("web/test/goldens.json") }

    fun json(path: String): Json = Json.parse(read(path).decodeToString(), path)

    fun read(path: String): ByteArray {
        val file = root.resolve(path)
        return if (file.isFile) file.readBytes() else throw InputError("no file $file")
    }

    /** Opens a bundle for a while. */
    fun using(name: String, work: (Generator) -> Unit) {
        val bundle = Bundle(read("$name/bundle.json").decodeToString())
        val runtime = LiteRtRuntime(library, root.resolve("$name/${bundle.model}").path)
        Generator(bundle, runtime).use(work)
    }

    fun tokenizer() = Tokenizer(read("$TRANSLATION/tokenizer.model"))
}

internal const val CAPTIONING = "captioning-flickr8k-scst"
internal const val HANDWRITING = "handwriting-unipen"
internal const val MUSIC = "music-chorales"
internal const val TRANSLATION = "translation-tatoeba"

internal class Difference(message: String) : Exception(message)

internal fun same(what: Any?, got: Any?, expected: Any?) {
    if (got != expected) throw Difference("$what: got $got, expected $expected")
}

internal fun close(what: Any?, got: Double, expected: Double, by: Double) {
    if (!(abs(got - expected) <= by)) throw Difference("$what: got $got, expected $expected")
}

private val CHECKS: Map<String, (Shared) -> Unit> = mapOf(
    "random" to ::checkRandom,
    "texts" to ::checkTexts,
    "lifting" to ::checkLifting,
    "names" to ::checkNames,
    "sentences" to ::checkSentences,
    "photos" to ::checkPhotos,
    "bundles" to ::checkBundles,
    "translations" to ::checkTranslations,
    "captions" to ::checkCaptions,
    "music" to ::checkMusic,
    "writing" to ::checkWriting,
)

/** Checks the suite against Python: `Check LIBLITERT TFLITE_FOLDER [NAME...]`. */
fun main(args: Array<String>) {
    val shared = Shared(args[0], File(args[1]))
    var failed = false
    for (name in args.drop(2).ifEmpty { CHECKS.keys }) {
        val error = try {
            (CHECKS[name] ?: throw InputError("no check '$name': ${CHECKS.keys}"))(shared)
            null
        } catch (error: Difference) {
            error.message
        } catch (error: InputError) {
            error.message
        }
        println("$name: ${error ?: "as in Python"}")
        failed = failed || error != null
    }
    exitProcess(if (failed) 1 else 0)
}
