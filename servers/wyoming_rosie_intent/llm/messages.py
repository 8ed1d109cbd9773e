"""Fixed messages that are spoken instead of a model's answer, by language."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.responses import ha_responses


@dataclass(frozen=True)
class LlmMessages:
    no_model: str  # no model answers
    too_long: str  # no model answered in time
    not_ready: str  # the same, while the model is being loaded
    no_answer: str  # the answer was empty or unreadable
    unfinished: str  # the model went on calling tools
    not_done: str  # the model claimed an action that was not executed
    restarted: str  # the model broke off and another begins anew
    go_on: str  # offers the rest of a long answer
    thinking: str
    checking: str
    topics: Mapping[str, str]
    """Topics by the words for them; the first one in a sentence counts."""


# fmt: off
_ENGLISH_NOUNS = (
    "garage door", "front door", "back door", "shopping list", "washing machine", "dishwasher", "coffee machine", "dryer",
    "living room", "lights", "light", "lamps", "lamp", "doors", "door", "windows", "window", "garage", "temperature",
    "heating", "thermostat", "weather", "forecast", "calendar", "lists", "list", "news", "music", "television", "camera",
    "cameras", "oven", "alarm", "locks", "blinds", "curtains", "shutters", "fan", "vacuum", "sensors", "sensor",
    "battery", "batteries", "power", "energy", "traffic", "house", "kitchen", "bedroom", "bathroom", "office", "garden",
    "timer", "timers", "mail", "schedule", "recipe",
)
_GERMAN_NOUNS = (
    "die Lichter", "das Licht", "die Lampen", "die Lampe", "die Haustür", "die Garage", "die Tür", "die Türen", "das Fenster",
    "die Fenster", "die Temperatur", "die Heizung", "das Wetter", "den Kalender", "die Einkaufsliste", "die Liste",
    "die Nachrichten", "die Musik", "die Waschmaschine", "den Geschirrspüler", "den Trockner", "die Kamera", "den Ofen",
    "die Alarmanlage", "die Rollläden", "die Vorhänge", "den Strom", "den Verkehr", "die Küche", "das Schlafzimmer",
    "das Wohnzimmer", "das Bad", "den Garten", "das Haus", "die Batterie",
)
# fmt: on


def _index_by_noun(*nouns: str) -> Mapping[str, str]:
    """Return the topics, which have articles, by their nouns."""
    return {noun.split()[1].lower(): noun for noun in nouns}


_ALL: Mapping[str, LlmMessages] = {
    "en": LlmMessages(
        no_model="Sorry, I cannot reach my language model right now.",
        too_long="Sorry, that takes me too long.",
        not_ready="Sorry, my language model is not ready yet. Please ask again in a minute.",
        no_answer="Sorry, I have no answer to that.",
        unfinished="Sorry, I could not finish that.",
        not_done="Sorry, I did not actually do that just now.",
        restarted="Let me begin again.",
        go_on="Shall I go on?",
        thinking="Let me think…",
        checking="Checking {}…",
        topics={
            **{noun: f"the {noun}" for noun in _ENGLISH_NOUNS},
            **dict.fromkeys(("rain", "raining", "snow", "snowing", "sunny", "umbrella"), "the weather"),
            **dict.fromkeys(("warm", "cold", "hot", "degrees"), "the temperature"),
        },
    ),
    "de": LlmMessages(
        no_model="Ich erreiche mein Sprachmodell gerade nicht.",
        too_long="Das dauert mir leider zu lange.",
        not_ready="Entschuldigung, mein Sprachmodell ist noch nicht bereit. Bitte frag in einer Minute noch einmal.",
        no_answer="Darauf habe ich leider keine Antwort.",
        unfinished="Das konnte ich leider nicht zu Ende bringen.",
        not_done="Entschuldige, das habe ich gerade doch nicht getan.",
        restarted="Ich fange noch einmal an.",
        go_on="Soll ich weitererzählen?",
        thinking="Einen Moment…",
        checking="Ich prüfe {}…",
        topics={
            **_index_by_noun(*_GERMAN_NOUNS),
            **dict.fromkeys(("regnet", "regen", "schneit", "schnee", "regenschirm"), "das Wetter"),
            **dict.fromkeys(("warm", "kalt", "heiß", "grad"), "die Temperatur"),
        },
    ),
    "fr": LlmMessages(
        no_model="Désolée, je n'arrive pas à joindre mon modèle de langage.",
        too_long="Désolée, cela prend trop de temps.",
        not_ready="Désolée, mon modèle de langage n'est pas encore prêt. Redemande-moi dans une minute.",
        no_answer="Désolée, je n'ai pas de réponse à cela.",
        unfinished="Désolée, je n'ai pas pu terminer.",
        not_done="Désolée, en fait je ne viens pas de le faire.",
        restarted="Je recommence.",
        go_on="Je continue ?",
        thinking="Un instant…",
        checking="Je vérifie {}…",
        topics={
            **_index_by_noun(
                "la lumière",
                "les lumières",
                "la lampe",
                "la porte",
                "le garage",
                "la température",
                "la météo",
                "le chauffage",
                "la liste",
            ),
            **dict.fromkeys(("temps", "pluie", "pleuvoir", "pleut", "neige"), "la météo"),
            **dict.fromkeys(("chaud", "froid", "degrés"), "la température"),
        },
    ),
    "es": LlmMessages(
        no_model="Lo siento, ahora no puedo contactar con mi modelo de lenguaje.",
        too_long="Lo siento, esto tarda demasiado.",
        not_ready="Lo siento, mi modelo de lenguaje aún no está listo. Pregúntame otra vez en un minuto.",
        no_answer="Lo siento, no tengo respuesta a eso.",
        unfinished="Lo siento, no he podido terminarlo.",
        not_done="Lo siento, en realidad no lo he hecho ahora.",
        restarted="Empiezo de nuevo.",
        go_on="¿Sigo?",
        thinking="Un momento…",
        checking="Compruebo {}…",
        topics={
            **_index_by_noun(
                "la luz",
                "las luces",
                "la lámpara",
                "la puerta",
                "el garaje",
                "la temperatura",
                "la calefacción",
                "la lista",
            ),
            **dict.fromkeys(("tiempo", "lluvia", "llover", "llueve", "nieve"), "el tiempo"),
            **dict.fromkeys(("calor", "frío", "grados"), "la temperatura"),
        },
    ),
    "it": LlmMessages(
        no_model="Mi dispiace, ora non riesco a raggiungere il mio modello linguistico.",
        too_long="Mi dispiace, ci vuole troppo tempo.",
        not_ready="Mi dispiace, il mio modello linguistico non è ancora pronto. Chiedimelo di nuovo tra un minuto.",
        no_answer="Mi dispiace, non ho una risposta.",
        unfinished="Mi dispiace, non sono riuscita a finire.",
        not_done="Mi dispiace, in realtà adesso non l'ho fatto.",
        restarted="Ricomincio.",
        go_on="Continuo?",
        thinking="Un momento…",
        checking="Controllo {}…",
        topics={
            **_index_by_noun(
                "la luce",
                "le luci",
                "la lampada",
                "la porta",
                "il garage",
                "la temperatura",
                "il riscaldamento",
                "la lista",
            ),
            **dict.fromkeys(("tempo", "meteo", "pioggia", "piove", "pioverà", "neve"), "il meteo"),
            **dict.fromkeys(("caldo", "freddo", "gradi"), "la temperatura"),
        },
    ),
    "nl": LlmMessages(
        no_model="Sorry, ik kan mijn taalmodel nu niet bereiken.",
        too_long="Sorry, dat duurt me te lang.",
        not_ready="Sorry, mijn taalmodel is nog niet klaar. Vraag het me over een minuut nog eens.",
        no_answer="Sorry, daar heb ik geen antwoord op.",
        unfinished="Sorry, dat kon ik niet afmaken.",
        not_done="Sorry, dat heb ik net toch niet gedaan.",
        restarted="Ik begin opnieuw.",
        go_on="Zal ik doorgaan?",
        thinking="Een ogenblik…",
        checking="Ik controleer {}…",
        topics={
            **_index_by_noun(
                "het licht",
                "de lichten",
                "de lampen",
                "de lamp",
                "de deur",
                "de garage",
                "de temperatuur",
                "het weer",
                "de verwarming",
            ),
            **dict.fromkeys(("regen", "regent", "regenen", "sneeuw"), "het weer"),
            **dict.fromkeys(("warm", "koud", "graden"), "de temperatuur"),
        },
    ),
}


def find_messages(language: str | None) -> LlmMessages | None:
    """Return the messages of a language tag such as de-AT, or None; English without a tag."""
    return _ALL.get(base_language(language)) if language else _ALL["en"]


def get_messages(language: str | None) -> LlmMessages:
    """Return the messages of a language tag: our own, else failures in the words of Home Assistant, else English."""
    return find_messages(language) or _create_messages(language or "en")


def _create_messages(language: str) -> LlmMessages:
    english = _ALL["en"]
    failure = ha_responses.find_error("handle_error", language)
    if not failure:
        return english
    no_answer = ha_responses.find_error("no_intent", language) or failure
    return replace(
        english,
        no_model=failure,
        too_long=failure,
        not_ready=failure,
        no_answer=no_answer,
        unfinished=failure,
        not_done=failure,
    )
