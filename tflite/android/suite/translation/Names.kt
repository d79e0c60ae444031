package lstm.translation

import lstm.text.LETTER
import lstm.text.Tokenizer
import lstm.text.WORD

/*
 * Unknown names as placeholders of a model that lifts: they come back as written.
 */

private const val BEGIN = "{\u2061"
private const val BETWEEN = "\u2062"
private const val END = "\u2061}"
private val TERM = Regex("""\{\u2061[^\{\}]*\u2062([^\{\}]*)\u2061\}""")
private const val NAME = """$LETTER+(?:-$LETTER+)*"""

// Not in an address, a tag or a placeholder.
private val NAMES = Regex(
    """(?<![\p{L}\p{N}_/@#.&<\{\-])(?:$NAME )*$NAME""" +
        """(?![\p{L}\p{N}_/@>\}\u2061\u2062\-]|\.$WORD)""",
)
private val TITLE = Regex(
    """(?<!$WORD)(?:(?:Mr|Mrs|Ms|Dr|Prof|Sr|Sra|M|St)\.""" +
        """|Herrn?|Frau|Professor|heiße|heißt|señora?) $""",
)
private val FOLLOWED = Regex("""^(?:['’]s(?!$WORD)| (?:and|et|y) (?![a-z])$LETTER)""")
private val STARTS = Regex("""(?:^|[.!?…:;–—("'“”„«»¿¡] ?)$""")
private val UPPER = Regex("""^\p{IsUppercase}""")
private val NOT_UPPER = Regex("""[\p{IsLowercase}\p{Lt}]""")

/** Puts unknown names of a sentence into braces; [translated] takes them off. */
internal fun markNames(text: String, tokenizer: Tokenizer, language: String): String {
    if (text == text.uppercase()) return text
    val marked = NAMES.replace(text) { match ->
        var start = match.range.first
        val runs = mutableListOf<Pair<Boolean, String>>()
        for (word in match.value.split(" ")) {
            val unknown = isUnknown(text, start, word, tokenizer, language)
            start += word.length + 1
            if (runs.lastOrNull()?.first == unknown) {
                runs += unknown to "${runs.removeAt(runs.lastIndex).second} $word"
            } else {
                runs += unknown to word
            }
        }
        runs.joinToString(" ") { (unknown, run) ->
            if (unknown) BEGIN + run + BETWEEN + run + END else run
        }
    }
    return if (Form.of(marked).left > 0) text else marked
}

private fun isUnknown(
    text: String,
    start: Int,
    word: String,
    tokenizer: Tokenizer,
    language: String,
): Boolean {
    val size = word.codePointCount(0, word.length)
    if (UPPER !in word || size < 2 || NOT_UPPER !in word) return false
    val small = word.lowercase()
    val count = tokenizer.encode(small).size
    if (count < 2 || small in TRANSLATED[language].orEmpty()) return false
    val before = text.take(start)
    return when {
        TITLE in before -> true
        language == "de" -> count > 2 && size <= 2 * count
        // A sentence's first word has a capital anyway.
        else -> STARTS !in before || FOLLOWED in text.drop(start + word.length)
    }
}

/** The translation of a marked text, without braces; with a capital if that began with a name. */
internal fun translated(text: String, marked: String): String {
    val written = TERM.replace(text) { it.groupValues[1] }
    if (!marked.startsWith(BEGIN) || UPPER !in marked.removePrefix(BEGIN)) return written
    val first = written.take(if (written.firstOrNull()?.isHighSurrogate() == true) 2 else 1)
    return first.uppercase() + written.drop(first.length)
}

/** Names that have a translation, by language: `apps/translation/translated_names.txt`. */
internal val TRANSLATED: Map<String, Set<String>> = mapOf(
    "en" to """
        africa african ages alps amazon arabic arctic asia asian asians atlantic australian
        austria austrian basque beijing belgium bible brazilian britain buddhist bulgarian
        caesar cairo california canadians catalan catholic central channel christian christians
        claus columbus congress constitution cuba cuban danish democratic denmark department
        dutch east easter egypt elba englishman englishmen esperanto estonia ethiopia european
        europeans eve federal ferris filipino finland finnish frenchman fridays germans grandma
        grandpa greece greek greeks gulf halloween hebrew hemisphere himalayas holland hungarian
        icelandic inca indian indians international irish islands israeli istanbul italians
        jacksons jesus kingdom korea korean latin liberty madam mandarin mexican mexico milky
        minister mondays mr mrs ms mum muslim nations netherlands nile normans northern norway
        norwegian olympic olympics organization pacific paulo persian peru poland pole
        portuguese prime republican revolution rhine romania russia russian santa saturdays
        scotland senate shanghai singapore socialist soviet sweden swedish swiss switzerland
        syria thai thailand thames thanksgiving thursdays trade tuesdays turkey turkish ufos
        ukrainian valentine vikings wednesdays western wi yeah zealand
    """,
    "es" to """
        alpes atenas berlín biblia bruselas bélgica colón corea cruz dinamarca doña egipto
        escocia españa estocolmo finlandia ginebra gobierno grecia hawái holanda hungría
        inglaterra jesús juan marte moscú mundial méxico naciones nochebuena noel norte noruega
        pacífico polonia praga reino rusia singapur sr sra srta suecia suiza tailandia turquía
        unidas unido valentín varsovia venecia viena zelanda áfrica ángeles
    """,
    "fr" to """
        afrique allemagne américain américains amérique angleterre asie athènes autriche
        barcelone belgique bretagne brésil californie canadienne cependant colomb congrès corée
        croix danemark diable espagne finlande grèce gênes hawaï hongrie irlande italie lisbonne
        marine mexique mlle mme monsieur moscou mr norvège olympiques orient ouest pacifique
        pologne portugal pâques russie saint sinon suisse suède thaïlande turquie unis
        université valentin varsovie venise écosse étasuniens
    """,
).mapValues { (_, words) -> words.trim().split(Regex("""\s+""")).toSet() }
