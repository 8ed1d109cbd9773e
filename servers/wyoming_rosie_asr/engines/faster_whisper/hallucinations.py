"""Detection of hallucinations: text that Whisper produces for audio without speech."""

import re
import zlib
from collections.abc import Collection

CONFIDENT_SPEECH_PROBABILITY = 0.6
"""Probability of speech from which a doubtful phrase is accepted."""
CONFIDENT_LOG_PROBABILITY = -0.5
"""Mean log probability of the tokens from which a doubtful phrase is accepted."""
MIN_LOG_PROBABILITY = -1.0
"""Text below this is a hallucination if speech is improbable as well; the limits are those of OpenAI's Whisper."""
MIN_SPEECH_PROBABILITY = 0.4
GUESS_LOG_PROBABILITY = -1.5
"""Text below this is a hallucination in any case: of white noise, base wrote "The" with -3.6 to -4; of speech, no right text
was below -1.2."""
MAX_COMPRESSION_RATIO = 2.4
"""Text that compresses better than this repeats itself."""
_NOT_WORDS = re.compile(r"[^\w ]+")
# From the subtitles that the models were trained on; nobody says them to an assistant.
_CREDITS = (
    "amara org", "subtitles by", "transcribed by", "captions by", "translated by", "subscribe to", "please subscribe",
    "untertitel", "untertitelung", "copyright wdr", "im auftrag des zdf", "sous titres réalisés", "sous titrage",
    "subtítulos realizados", "subtítulos por", "sottotitoli", "legendas pela", "ondertiteld door", "ondertiteling",
    "napisy stworzone", "субтитры", "редактор субтитров", "продолжение следует", "字幕", "ご視聴ありがとう", "titulky",
)  # fmt: skip
# Things that people do say, but that the models also produce for silence.
_DOUBTFUL = frozenset((
    "you", "bye", "bye bye", "thank you", "thank you very much", "thank you so much", "thanks", "thanks for watching",
    "thank you for watching", "okay", "oh", "hmm", "so", "the end", "i m sorry", "vielen dank", "danke", "tschüss", "merci",
    "merci d avoir regardé cette vidéo", "gracias", "gracias por ver el video", "grazie", "obrigado", "bedankt",
    "dziękuję", "спасибо", "спасибо за просмотр", "ありがとうございました", "谢谢", "谢谢观看", "감사합니다",
))  # fmt: skip


def is_hallucination(text: str, log_probability: float, speech_probability: float) -> bool:
    """Return whether a text is a hallucination.

    `log_probability` is the mean of its tokens, `speech_probability` the model's estimate that there was speech at all.
    """
    words = " ".join(_NOT_WORDS.sub(" ", text.casefold()).split())
    if not words or any(credit in words for credit in _CREDITS):
        return True
    if log_probability < GUESS_LOG_PROBABILITY:
        return True
    if log_probability < MIN_LOG_PROBABILITY and speech_probability < MIN_SPEECH_PROBABILITY:
        return True
    is_sure = log_probability >= CONFIDENT_LOG_PROBABILITY and speech_probability >= CONFIDENT_SPEECH_PROBABILITY
    return (words in _DOUBTFUL and not is_sure) or is_repetitive(text)


def is_prompt_echo(text: str, names: Collection[str]) -> bool:
    """Return whether the text only lists several of the names of the prompt, as the models do for noise."""
    known = {name.casefold() for name in names}
    listed = [part.strip().casefold() for part in text.strip().rstrip(".").split(",")]
    return len(listed) > 1 and known.issuperset(listed)


def is_repetitive(text: str) -> bool:
    """Return whether the text is a repetition loop."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) > MAX_COMPRESSION_RATIO
