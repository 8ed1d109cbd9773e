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
_CODE_WORDS = (
    r"pins?|pin[ -]?code|pass ?code|codes?|combination|disarm|unlock|(?:the|my|our) (?:safe|vault|locker)",
    r"\w*(?:alarm|pin|sicherheits|tor|tresor|tür|zugangs)code|geheim(?:zahl|nummer)|kombination|unscharf|entschärfe?n?|entsperre?n?|tresor",
    r"désactive[rz]?|désarme[rz]?|déverrouille[rz]?|coffre-fort",
    r"código|desactivar?|desarmar?|caja fuerte",
    r"codice|disarma|disattiva|disinserisci|sblocca|cassaforte",
    r"(?:beveiligings|pin|toegangs)code|uitschakelen|ontgrendel|kluis",
)
"""Words of what codes open, in English, German, French, Spanish, Italian and Dutch."""
_SECRET_WORDS = (
    r"pass ?(?:word|phrase)s?|secrets?|credit card|bank account|iban|social security|username",
    r"\w*(?:passwort|kennwort|passwörter)|geheimnis\w*|kreditkarte|kontonummer|benutzername",
    r"mots? de passe|secrets?|carte (?:bancaire|de crédit)|numéro de compte|identifiant",
    r"contraseñas?|claves?|secretos?|tarjeta de crédito|número de cuenta",
    r"parole? d'ordine|segret[oi]|carta di credito|numero di conto",
    r"\w*wachtwoord(?:en)?|geheim(?:en)?|creditcard|rekeningnummer|gebruikersnaam",
)
"""What is not taken out of talk, with or without digits."""
_TIME_OF_ALARM = r"(?!.{0,80}\b(?:for|at|to|um|auf|à|las|alle|om)\b)"
_CODE_WORD = re.compile(rf"\b(?:{'|'.join(_CODE_WORDS)}|alarm\b{_TIME_OF_ALARM})\b")
_SECRET = re.compile(rf"\b(?:{'|'.join((*_CODE_WORDS, *_SECRET_WORDS))})\b")
_OTHER_CODE = re.compile(
    r"\b(?:zip|post|postal|area|dialling|dialing|country|bar|qr|source|product|discount|color|colour|tax) ?codes?\b|"
    r"\bcode postal|\bcódigo postal|\bcodice (?:postale|fiscale)|\bpostcode|\bqr-code|\bbarcode"
)


def has_code(text: str) -> bool:
    """Return whether a text has a PIN or the code of an alarm or a lock in it, which is never stored."""
    lowered = text.lower()
    return bool(_DIGITS.search(lowered)) and bool(_CODE_WORD.search(_OTHER_CODE.sub(" ", lowered)))


def names_secret(text: str) -> bool:
    """Return whether a text is about a secret, such as a password or a code, whatever it says of it."""
    return bool(_SECRET.search(_OTHER_CODE.sub(" ", text.lower())))


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
