"""Texts that a language model invents when nobody said anything, and what tells them from texts that were said."""

import re
import zlib

CONFIDENT_SPEECH_PROBABILITY = 0.6
"""The model's own belief that there is speech, from which a doubtful phrase is taken as said."""
CONFIDENT_LOG_PROBABILITY = -0.5
"""Mean of the tokens, from which a doubtful phrase is taken as said."""
MIN_LOG_PROBABILITY = -1.0
"""With no belief in speech, a text under this is an invention; the limits are those of OpenAI's Whisper."""
MIN_SPEECH_PROBABILITY = 0.4
MAX_COMPRESSION_RATIO = 2.4
"""Text that can be compressed by more repeats itself."""
_NOT_WORDS = re.compile(r"[^\w ]+")
# Of films and broadcasts that the models were trained on; people say none of them to a machine.
_CREDITS = (
    "amara org", "subtitles by", "transcribed by", "captions by", "translated by", "subscribe to", "please subscribe",
    "untertitel", "untertitelung", "copyright wdr", "im auftrag des zdf", "sous titres réalisés", "sous titrage",
    "subtítulos realizados", "subtítulos por", "sottotitoli", "legendas pela", "ondertiteld door", "ondertiteling",
    "napisy stworzone", "субтитры", "редактор субтитров", "продолжение следует", "字幕", "ご視聴ありがとう", "titulky",
)  # fmt: skip
# What people may well say, but models say it of silence too.
_DOUBTFUL = frozenset((
    "you", "bye", "bye bye", "thank you", "thank you very much", "thank you so much", "thanks", "thanks for watching",
    "thank you for watching", "okay", "oh", "hmm", "so", "the end", "i m sorry", "vielen dank", "danke", "tschüss", "merci",
    "merci d avoir regardé cette vidéo", "gracias", "gracias por ver el video", "grazie", "obrigado", "bedankt",
    "dziękuję", "спасибо", "спасибо за просмотр", "ありがとうございました", "谢谢", "谢谢观看", "감사합니다",
))  # fmt: skip


def is_hallucination(text: str, log_probability: float, speech_probability: float) -> bool:
    """Tell whether a text is an invention.

    The mean log probability of its tokens, and the model's probability that there was speech at all, say how sure it was.
    """
    said = " ".join(_NOT_WORDS.sub(" ", text.casefold()).split())
    if not said or any(credit in said for credit in _CREDITS):
        return True
    if log_probability < MIN_LOG_PROBABILITY and speech_probability < MIN_SPEECH_PROBABILITY:
        return True
    is_sure = log_probability >= CONFIDENT_LOG_PROBABILITY and speech_probability >= CONFIDENT_SPEECH_PROBABILITY
    return (said in _DOUBTFUL and not is_sure) or is_repetitive(text)


def is_repetitive(text: str) -> bool:
    """Tell whether the text goes in circles, as models do that have lost the thread."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) > MAX_COMPRESSION_RATIO
