"""Words and phrases by language: how commands, questions and claims are told apart, and what is said on a failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Failure(StrEnum):
    """A reason for a spoken answer of our own; the value is the key of its phrase."""

    UNREACHABLE = "unreachable"
    TOO_LONG = "too_long"
    NO_MODEL = "no_model"
    NO_ANSWER = "no_answer"
    UNFINISHED = "unfinished"
    NOT_DONE = "not_done"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Language:
    """One language; the patterns read a sentence in lower case."""

    phrases: Mapping[Failure, str]
    wait: str  # the filler without a topic
    checking: str  # the filler for a topic
    topics: Mapping[str, str]
    command: re.Pattern[str]  # verbs of control
    question: re.Pattern[str]  # its beginning
    polite: re.Pattern[str]  # a question that asks for an action
    denial: re.Pattern[str]  # says that something is not so, may be, or is asked for
    claim: re.Pattern[str]  # says that the speaker has acted
    done: str = field(default="Done.")


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def _starts(words: str) -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{words})(?!\w)")


def _index(*topics: str) -> Mapping[str, str]:
    """Return topics, each an article and a noun, by their nouns."""
    return {topic.replace("'", " ").split()[-1].lower(): topic for topic in topics}


def _phrases(*texts: str) -> Mapping[Failure, str]:
    return dict(zip(Failure, texts, strict=True))


_LANGUAGES: Mapping[str, Language] = {
    "en": Language(
        _phrases(
            "Sorry, I cannot reach my language model right now.",
            "Sorry, that takes me too long.",
            "Sorry, my language model is missing. Home Assistant shows how to repair that.",
            "Sorry, I have no answer to that.",
            "Sorry, I could not finish that.",
            "Sorry, I did not actually do that.",
            "Sorry, I lost my train of thought.",
        ),
        "Let me think…",
        "Checking {}…",
        {
            **_index("the lights", "the light", "the lamp", "the door", "the doors", "the windows", "the garage", "the temperature",
                     "the heating", "the thermostat", "the weather", "the forecast", "the calendar", "the list", "the news",
                     "the music", "the camera", "the oven", "the alarm", "the blinds", "the vacuum", "the battery",
                     "the power", "the energy", "the kitchen", "the bedroom", "the garden", "the house", "the recipe"),
            "rain": "the weather", "umbrella": "the weather", "warm": "the temperature", "cold": "the temperature",
        },
        _any("turn|switch|set|open|close|shut|lock|unlock|dim|brighten|raise|lower|increase|decrease|start|stop|play|pause|resume"
             "|mute|unmute|activate|deactivate|arm|disarm|add|remove|put|enable|disable|skip|cancel|run|vacuum|clean|water|feed"
             "|heat|cool|make it|make the|adjust|change"),
        _starts("what|which|who|whose|when|where|why|how|is|are|was|were|do|does|did|has|have|am|tell|explain|describe"),
        _starts("(?:please )?(?:can|could|would|will) you"),
        _any("not|no|never|nothing|none|cannot|can|could|would|should|may|might|must|sorry|unable|unfortunately|afraid|already|if"
             "|which|failed|unavailable|unknown|\\w+n't|only"),
        re.compile(r"\b(?:i|we)(?:'ve| have|'m)? (?:just |now |already |also )?(?:turned|switched|set|opened|closed|shut|locked|unlocked"
                   r"|dimmed|raised|lowered|increased|started|stopped|played|paused|activated|added|removed|put|enabled"
                   r"|disabled|changed|adjusted|turning|switching|setting|opening|closing)\b|^\W*(?:done|all set)\b"),
    ),
    "de": Language(
        _phrases(
            "Ich erreiche mein Sprachmodell gerade nicht.",
            "Das dauert mir leider zu lange.",
            "Mir fehlt mein Sprachmodell. Home Assistant zeigt, wie man das behebt.",
            "Darauf habe ich leider keine Antwort.",
            "Das konnte ich leider nicht zu Ende bringen.",
            "Entschuldige, das habe ich doch nicht getan.",
            "Entschuldige, ich habe den Faden verloren.",
        ),
        "Einen Moment…",
        "Ich prüfe {}…",
        {
            **_index("die Lichter", "das Licht", "die Lampe", "die Tür", "die Türen", "das Fenster", "die Fenster", "die Garage",
                     "die Temperatur", "die Heizung", "das Wetter", "den Kalender", "die Einkaufsliste", "die Liste",
                     "die Nachrichten", "die Musik", "die Waschmaschine", "die Kamera", "den Ofen", "den Strom",
                     "die Küche", "das Schlafzimmer", "das Wohnzimmer", "das Bad", "den Garten", "das Haus"),
            "regnet": "das Wetter", "regen": "das Wetter", "warm": "die Temperatur", "kalt": "die Temperatur",
        },
        _any("schalte?|mache?|stelle?|öffne|schließe?|sperre?|verriegle|dimme?|drehe?|spiele?|stoppe?|starte?|füge|setze?|lösche?"
             "|fahre?|heize?|pausiere?|aktiviere?|saug\\w*|(?:ein|aus|an|ab|um)schalten|(?:an|aus|auf|zu)machen"
             "|(?:ein|ab)stellen|öffnen|schließen|dimmen|starten|stoppen"),
        _starts("was|wer|wem|wen|wann|wo|warum|wieso|wie|welche[rsnm]?|ist|sind|war|hat|habe|haben|gibt|erzähle?|erkläre?"),
        _starts("(?:bitte )?(?:kannst|könntest|würdest|magst) du"),
        _any("nicht|kein\\w*|nie|niemals|nichts|leider|kann|kannst|könnte|soll|sollte|würde|möchtest|darf|muss|wenn|falls|ob"
             "|unmöglich|entschuldig\\w*|tut mir leid|schon|bereits|fehlgeschlagen|unbekannt|nur|welche\\w*"),
        re.compile(r"\b(?:ich|wir) (?:habe|haben|hab|schalte|mache|stelle|öffne|schließe|dimme|starte)\b|^\W*(?:erledigt|fertig|gemacht)\b"),
        "Erledigt.",
    ),
    "fr": Language(
        _phrases(
            "Désolée, je n'arrive pas à joindre mon modèle de langage.",
            "Désolée, cela me prend trop de temps.",
            "Désolée, mon modèle de langage manque. Home Assistant montre comment réparer cela.",
            "Désolée, je n'ai pas de réponse à cela.",
            "Désolée, je n'ai pas pu terminer.",
            "Désolée, en fait je ne l'ai pas fait.",
            "Désolée, j'ai perdu le fil.",
        ),
        "Un instant…",
        "Je vérifie {}…",
        _index("la lumière", "les lumières", "la lampe", "la porte", "le garage", "la température", "la météo", "le chauffage", "la liste"),
        _any("(?:allume|ferme|ouvre|règle|baisse|monte|lance|arrête|joue|active|désactive|ajoute|verrouille|coupe|démarre|augmente)[rz]?"
             "|éteins|éteindre|éteignez|mets|mettre|mettez"),
        _starts("qu\\w*|qu'\\w+|quand|où|pourquoi|comment|combien|est-ce|y a|dis|raconte|explique"),
        _starts("(?:peux|pourrais)[- ]tu|(?:pouvez|pourriez)[- ]vous"),
        _any("ne|n'\\w+|pas|non|jamais|rien|aucune?|désolée?|malheureusement|peux|peut|pourrais|dois|faut|voulez|veux|si|impossible|déjà|échoué|seulement"),
        re.compile(r"\b(?:j'ai|nous avons|je viens) |^\W*(?:c'est fait|fait|voilà|terminé)\b"),
        "C'est fait.",
    ),
    "es": Language(
        _phrases(
            "Lo siento, ahora no puedo contactar con mi modelo de lenguaje.",
            "Lo siento, esto tarda demasiado.",
            "Lo siento, falta mi modelo de lenguaje. Home Assistant muestra cómo repararlo.",
            "Lo siento, no tengo respuesta a eso.",
            "Lo siento, no he podido terminarlo.",
            "Lo siento, en realidad no lo he hecho.",
            "Lo siento, he perdido el hilo.",
        ),
        "Un momento…",
        "Compruebo {}…",
        _index("la luz", "las luces", "la lámpara", "la puerta", "el garaje", "la temperatura", "la calefacción", "la lista", "el tiempo"),
        _any("enciende|encender|apagar?|abre|abrir|cierra|cerrar|pon|poner|sube|subir|bajar?|activar?|desactivar?|añade|reproduce|detén"
             "|para|inicia|ajusta|quita|limpia|bloquea|desbloquea|cambia|aumenta"),
        _starts("qué|quién|cuándo|dónde|por qué|cómo|cuánt\\w+|cuál\\w*|está\\w*|hay|dime|cuenta|explica"),
        _starts("(?:puedes|podrías)"),
        _any("no|nunca|nada|ningun[oa]|siento|desgraciadamente|imposible|puedo|puedes|podría|debo|quieres|si|ya estaba\\w*|falló|solo|desconocido"),
        re.compile(r"\b(?:he|hemos|acabo de) \w+|^\W*(?:listo|hecho|ya está)\b"),
        "Hecho.",
    ),
    "it": Language(
        _phrases(
            "Mi dispiace, ora non riesco a raggiungere il mio modello linguistico.",
            "Mi dispiace, ci vuole troppo tempo.",
            "Mi dispiace, manca il mio modello linguistico. Home Assistant mostra come rimediare.",
            "Mi dispiace, non ho una risposta.",
            "Mi dispiace, non sono riuscita a finire.",
            "Mi dispiace, in realtà non l'ho fatto.",
            "Mi dispiace, ho perso il filo.",
        ),
        "Un momento…",
        "Controllo {}…",
        _index("la luce", "le luci", "la lampada", "la porta", "il garage", "la temperatura", "il riscaldamento", "la lista", "il meteo"),
        _any("accendi|accendere|spegni|spegnere|apri|aprire|chiudi|chiudere|imposta|metti|alza|abbassa|avvia|ferma|attiva|disattiva|aggiungi"
             "|blocca|sblocca|aumenta|togli|pulisci|riproduci"),
        _starts("che|cosa|quale|quali|chi|quando|dove|perché|come|quant\\w+|c'è|è|dimmi|racconta|spiega"),
        _starts("(?:puoi|potresti)"),
        _any("non|no|mai|niente|nessun\\w*|dispiace|purtroppo|impossibile|posso|puoi|può|potrei|devo|vuoi|se|già|fallito|solo|sconosciuto"),
        re.compile(r"\b(?:ho|abbiamo|l'ho) \w+|^\W*(?:fatto|ecco fatto|pronto)\b"),
        "Fatto.",
    ),
    "nl": Language(
        _phrases(
            "Sorry, ik kan mijn taalmodel nu niet bereiken.",
            "Sorry, dat duurt me te lang.",
            "Sorry, mijn taalmodel ontbreekt. Home Assistant laat zien hoe je dat herstelt.",
            "Sorry, daar heb ik geen antwoord op.",
            "Sorry, ik kon dat niet afmaken.",
            "Sorry, dat heb ik toch niet gedaan.",
            "Sorry, ik ben de draad kwijt.",
        ),
        "Even denken…",
        "Ik controleer {}…",
        _index("het licht", "de lichten", "de lamp", "de deur", "de garage", "de temperatuur", "de verwarming", "de lijst", "het weer"),
        _any("zet|doe|sluit|open|speel|schakel|stop|start|laat|draai|vergrendel|ontgrendel|dim|verhoog|verlaag|voeg|activeer|pauzeer|maak"),
        _starts("wat|welke?|wie|wanneer|waar|waarom|hoe|is|zijn|was|heb|heeft|hebben|vertel|leg"),
        _starts("(?:kun|kan|kunt|wil|zou) (?:je|jij|u)"),
        _any("niet|geen|nooit|niets|helaas|sorry|kan|kun|kunnen|zou|moet|mag|wil|als|onmogelijk|al|mislukt|onbekend|alleen|welke"),
        re.compile(r"\b(?:ik|we) (?:heb|hebben) |^\W*(?:klaar|gedaan)\b"),
        "Gedaan.",
    ),
}  # fmt: skip


def find_language(tag: str | None) -> Language | None:
    """Return the language of a tag such as de-AT; None without words for it."""
    return _LANGUAGES.get((tag or "en").replace("_", "-").partition("-")[0].lower())


def get_phrase(failure: Failure, tag: str | None) -> str:
    """Return what is said on a failure, in English without phrases for the language."""
    return (find_language(tag) or _LANGUAGES["en"]).phrases[failure]
