// Not compiled here: it needs Android's SDK and Jetpack Compose.
package lstm.android

import android.content.res.AssetManager
import android.os.Bundle as SavedState
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import lstm.Bundle
import lstm.Generator
import lstm.InputError
import lstm.text.Tokenizer
import lstm.translation.TranslatedSentence
import lstm.translation.Translator

private const val FOLDER = "translation-tatoeba" // in assets/

/** Translates what is typed, on the phone. */
class MainActivity : ComponentActivity() {
    override fun onCreate(savedInstanceState: SavedState?) {
        super.onCreate(savedInstanceState)
        val translator = lazy { openTranslator(assets) }
        setContent { MaterialTheme { TranslationScreen(translator) } }
    }
}

private fun openTranslator(assets: AssetManager): Translator {
    fun read(name: String) = assets.open("$FOLDER/$name").use { it.readBytes() }
    val bundle = Bundle(read("bundle.json").decodeToString())
    val bytes = read(bundle.model)
    val model = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes)
    val generator = Generator(bundle, InterpreterRuntime(model))
    return Translator(generator, Tokenizer(read("tokenizer.model")))
}

// A generator belongs to one thread at a time.
private val worker = Dispatchers.Default.limitedParallelism(1)

@Composable
private fun TranslationScreen(translator: Lazy<Translator>) {
    var source by remember { mutableStateOf("Where is the station?") }
    var result by remember { mutableStateOf("") }
    var job by remember { mutableStateOf<Job?>(null) }
    val scope = rememberCoroutineScope()

    fun translate(from: String, target: String) {
        job?.cancel()
        job = scope.launch {
            result = try {
                withContext(worker) { joined(translator.value.translate(source, from, target)) }
            } catch (error: InputError) {
                error.message.orEmpty()
            }
        }
    }
    Column(Modifier.padding(16.dp)) {
        OutlinedTextField(source, { source = it }, Modifier.fillMaxWidth())
        FlowRow {
            for (other in listOf("de", "es", "fr")) {
                for ((from, target) in listOf("en" to other, other to "en")) {
                    Button({ translate(from, target) }, Modifier.padding(4.dp)) {
                        Text("$from–$target")
                    }
                }
            }
        }
        Text(result, style = MaterialTheme.typography.headlineSmall)
    }
}

private fun joined(sentences: List<TranslatedSentence>): String =
    sentences.joinToString("") { it.found.first().text + it.gap }
