"""Fillers: a few words while the model has not answered yet, such as "Checking the lights…"."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing

from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie.text.normalize import is_speakable, strip_emoji
from wyoming_rosie_intent.llm import messages
from wyoming_rosie_intent.llm.model import Model, ModelError, Prompt, TextDelta
from wyoming_rosie_intent.llm.output import language_markers

BUDGET_SECONDS = 0.3
"""Time for the small model; after it a fixed phrase is used."""
EARLY_SECONDS = 0.35
"""Delay of a filler after the sentence when the answer is expected late or its latency is unknown."""
LATE_SECONDS = 0.55
"""Delay of a filler after the sentence when the answer was expected earlier."""
SOON_SECONDS = 0.8
"""Expected latency of an answer that a filler waits for."""
MAX_WORDS = 4
_MAX_CHARACTERS = 40
_NEWEST = 0.5  # weight of the newest measurement

_QUESTION = re.compile(
    r"^\W*(?:and|but|so|und|aber)?\W*(?:what|which|who|whose|when|where|why|how|is|are|was|were|do|does|did|has|have|am|tell|explain|describe"
    r"|was|welche[rsnm]?|wer|wem|wann|wo|warum|wieso|wie|ist|sind|war|hat|habe|haben|gibt|erzähl|erklär"
    r"|qu\w*|quand|où|pourquoi|comment|combien|est|y a|qué|cuál|quién|cuándo|dónde|por qué|cómo|cuánt\w+|está\w*|hay"
    r"|che|cosa|quale|chi|quando|dove|perché|come|quant\w+|c'è|è|wat|welke?|wanneer|waar|waarom|hoe|zijn|heb|heeft)\b"
)
_ORDER = re.compile(
    r"\b(?:turn|switch|set|open|close|shut|lock|unlock|dim|brighten|raise|lower|increase|decrease|reduce|start|stop|play|pause"
    r"|resume|mute|unmute|activate|deactivate|arm|disarm|add|remove|put|run|enable|disable|make it|make the|skip|cancel|heat|cool"
    r"|adjust|change|leave"
    r"|schalte?|mache?|stelle?|öffne|schließe?|sperre?|verriegle|entriegle|dimme?|drehe?|spiele?|stoppe?|starte?|füge?|setze?|lösche?"
    r"|(?:ein|aus|an|ab|um)schalten|(?:an|aus|auf|zu)machen|(?:ein|ab)stellen|öffnen|schließen|dimmen|abspielen|starten|stoppen"
    r"|(?:allume|ferme|ouvre|règle|baisse|monte|lance|arrête|joue|active|ajoute|verrouille)[rz]?|éteins|éteindre|mets|mettre"
    r"|enciende|encender|apagar?|abre|abrir|cierra|cerrar|pon|poner|sube|subir|bajar?|activar?|añade|reproduce"
    r"|accendi|accendere|spegni|spegnere|apri|aprire|chiudi|chiudere|imposta|metti|alza|abbassa|avvia|ferma|attiva|aggiungi"
    r"|zet|doe|sluit|speel|schakel)\b"
    r"|^\W*(?:(?:please|hey|rosie|now|bitte)\W+)*(?:water|feed|warm|boil|brew|preheat|charge|vacuum|clean|mow|launch|record|ring"
    r"|(?:fahr|entsperr|heiz|gieß|saug|wärm|putz|senk|heb|kühl|lösch|schick|mäh|räum|pausier|aktivier|stopp)e?|lass"
    r"|(?:coupe|démarre|stoppe|augmente|diminue|déverrouille|nettoie|remonte|enlève|lance)[rz]?|descends"
    r"|detén|para|inicia|ajusta|quita|mueve|limpia|agrega|bloquea|desbloquea|cambia|conecta|prende|aumenta"
    r"|abbassa|blocca|sblocca|aumenta|diminuisci|regola|togli|pulisci|riproduci|alza|metti"
    r"|stop|start|laat|draai|vergrendel|ontgrendel|dim|verhoog|verlaag|voeg|activeer|pauzeer|maak)\b"
)
_WORD = re.compile(r"\w+")


class FirstTokenLatency:
    """Measured latency of each tier's first token, warm and cold."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, bool], float] = {}

    def record(self, tier: str, seconds: float, *, warm: bool) -> None:
        before = self._seconds.get((tier, warm), seconds)
        self._seconds[tier, warm] = before + _NEWEST * (seconds - before)

    def get_filler_delay(self, tier: str | None, *, warm: bool) -> float:
        """Return the seconds after a sentence at which a filler is sent unless the answer has begun."""
        expected = self._seconds.get((tier, warm)) if tier else None
        return LATE_SECONDS if expected is not None and expected <= SOON_SECONDS else EARLY_SECONDS


class FillerGenerator:
    """Generates a filler for a sentence by a small model, or takes a fixed phrase for the sentence's topic."""

    def __init__(self, ask: Callable[[str], Prompt], model: Model | None = None) -> None:
        self._ask = ask
        self._model = model

    async def generate(self, sentence: str, language: str | None) -> str | None:
        """Return up to four words within BUDGET_SECONDS; None in a language without phrases.

        In such a language commands and questions cannot be told apart, so the small model is not asked either.
        """
        if self._model is None or messages.find_messages(language) is None:
            return find_phrase(sentence, language)
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                text = await _read_first_line(self._model, self._ask(sentence))
        except (ModelError, TimeoutError):
            text = ""
        markers = await asyncio.to_thread(language_markers.load_markers, language or "en")
        return parse_filler(text, markers) or find_phrase(sentence, language)


def is_command(sentence: str) -> bool:
    """Return whether the sentence is a command, which gets no filler."""
    plain = sentence.lower().replace("\u2019", "'")
    return not _QUESTION.search(plain) and _ORDER.search(plain) is not None


def find_phrase(sentence: str, language: str | None) -> str | None:
    """Return the phrase for the sentence's topic; None in a language without phrases."""
    own_messages = messages.find_messages(language)
    if own_messages is None:
        return None
    text = f" {' '.join(_WORD.findall(sentence.lower()))} "
    topics = [topic for topic in own_messages.topics if f" {topic} " in text]
    first = min(topics, key=lambda topic: (text.index(f" {topic} "), -len(topic)), default=None)
    return own_messages.checking.format(own_messages.topics[first]) if first else own_messages.thinking


def parse_filler(text: str, markers: language_markers.LanguageMarkers) -> str:
    """Return the small model's output if it is a filler of up to four words, otherwise an empty text."""
    prose = MarkdownStripper("")
    plain = strip_emoji(prose.feed(text) + prose.finish()).strip(" \n\t.…!\"'“”„«»")
    fits = 0 < len(plain.split()) <= MAX_WORDS and len(plain) <= _MAX_CHARACTERS and not set(plain) & set("?<{[")
    claims = markers.contains("self", plain.lower()) or markers.contains("done", plain.lower())
    return f"{plain}…" if fits and is_speakable(plain) and not claims else ""


async def _read_first_line(model: Model, prompt: Prompt) -> str:
    text = ""
    async with aclosing(model.answer(prompt)) as events:
        async for event in events:
            text += event.text if isinstance(event, TextDelta) else ""
            if "\n" in text.strip() or len(text) > 2 * _MAX_CHARACTERS:
                break
    return text.strip().partition("\n")[0]
