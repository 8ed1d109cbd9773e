"""Retention: what is never stored, how long talk is kept, and times of a clock that was wrong. Pure."""

import re
from collections.abc import Iterable
from dataclasses import replace

from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord

DAY_SECONDS = 86_400.0
EARLIEST = 1_767_225_600.0
"""Beginning of 2026: a clock that says less has lost its time."""
_DIGIT_WORDS = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|"
    "null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|"
    "zéro|un|deux|trois|quatre|cinq|sept|huit|neuf|"
    "cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|"
    "due|tre|quattro|cinque|sei|sette|otto|nove|"
    "nul|één|een|twee|drie|vijf|zes|zeven|negen"
)
_DIGITS = re.compile(
    rf"(?:(?<![\d.,:])\d(?:[ \-]?\d){{3,7}}(?![\d.,:]?\d)|\b(?:(?:{_DIGIT_WORDS})[ ,\-]+){{3,}}(?:{_DIGIT_WORDS})\b)"
)
"""Four to eight digits, or four and more of them in words."""
_CODE_WORD = re.compile(
    r"\b(?:pin|pins|pin[ -]?(?:code|number|nummer|codes)|pass ?code|access code|(?:security|door|gate|garage|alarm|entry|safe|key|lock) code|"
    r"code|codes|codice|código|combination|kombination|geheimzahl|geheimnummer|\w*(?:zugangs|alarm|tür|tor|sicherheits|tresor|pin)code|"
    r"disarm|unlock|entschärfe?n?|unscharf|entsperre?n?|désarme[rz]?|désactive[rz]?|déverrouille[rz]?|desarma[r]?|desactiva[r]?|"
    r"disarma|disinserisci|disattiva|sblocca|uitschakelen|ontgrendel|beveiligingscode|toegangscode|pincode|alarm)\b"
)
_OTHER_CODE = re.compile(
    r"\b(?:zip|post|postal|area|dialling|dialing|country|bar|qr|source|product|discount|color|colour|tax) ?codes?\b|"
    r"\bcode postal|\bcódigo postal|\bcodice (?:postale|fiscale)|\bpostcode|\bqr-code|\bbarcode"
)


def has_code(text: str) -> bool:
    """Return whether a text has a PIN or the code of an alarm or a lock in it, which is never stored."""
    lowered = text.lower()
    return bool(_DIGITS.search(lowered)) and bool(_CODE_WORD.search(_OTHER_CODE.sub(" ", lowered)))


def is_storable(record: MemoryRecord, keep_days: float) -> bool:
    """Return whether a record may be stored at all."""
    if record.kind is MemoryKind.CONVERSATION and keep_days <= 0:
        return False
    return record.kind is MemoryKind.DOCUMENT or not has_code(record.text)


def expiry(now: float, keep_days: float) -> float | None:
    """Return the time before which talk is erased; None while the clock is wrong."""
    return now - keep_days * DAY_SECONDS if now >= EARLIEST else None


def correct_times(records: Iterable[MemoryRecord], newest: float) -> list[MemoryRecord]:
    """Return the records; those of a clock that had lost its time get the newest time that was stored before.

    Else they would be erased as too old as soon as the clock is right again.
    """
    plausible = max(newest, EARLIEST)
    return [record if record.at >= EARLIEST else replace(record, at=plausible) for record in records]
