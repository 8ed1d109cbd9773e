"""Sentences that say something was done in the home, told from reports, offers and refusals.

In English and German; the commonest ones in French, Spanish, Italian and Dutch.
"""

import re

_LONGEST = 400
"""Characters of one sentence that are looked at."""
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSES = re.compile(r"[,;:]\s+|\s+[-–—]\s+")  # noqa: RUF001 - dashes are meant
_SUBORDINATE = re.compile(
    r"\b(?:if|once|when|whenever|before|after|until|unless|whether|who|that|wenn|sobald|falls|bevor|nachdem|ob|dass)\b"
)

_INTRO = (
    r"^(?:(?:ok(?:ay)?|sure(?: thing)?|al(?:l )?right|yes|got it|of course|certainly|absolutely|great|no problem|right"
    r"|gern|klar|alles klar|ja|gut|in ordnung)\b[,.!]*\s*)*"
)
_DID = (
    "turned|switched|set|opened|closed|shut|locked|unlocked|dimmed|brightened|raised|lowered|increased|decreased|reduced"
    "|started|stopped|paused|resumed|muted|unmuted|skipped|activated|deactivated|armed|disarmed|added|removed|adjusted"
    "|changed|enabled|disabled|put"
)
_DOING = (
    "turning|switching|setting|opening|closing|shutting|locking|unlocking|dimming|raising|lowering|starting|stopping"
    "|pausing|resuming|muting|activating|adding|removing|playing|adjusting|changing"
)
_DO = (
    "turn|switch|lock|unlock|dim|pause|mute|unmute|activate|play"
    r"|(?:set|open|close|shut|start|stop|add|remove|put|raise|lower|change)(?= (?:the|your|all|it|them|both)\b)"
)
_IS = "on|off|open|closed|shut|locked|unlocked|dimmed|set|playing|paused|muted|unmuted|running|armed|disarmed|activated|turned|switched"
_FINITE = r"(?!.*\b(?:is|are|was|were|has|have|can|could|will|would|may|might|should|saves?|helps?|makes?|means?|takes?|costs?|uses?|hours)\b)"
_ADVERBS = r"(?: (?:now|just|also|already|successfully|gone ahead and|went ahead and))*"
_ENGLISH = (
    rf"\bi(?:'ve| have){_ADVERBS} (?:{_DID}|made it)\b",
    rf"\bi{_ADVERBS} (?:{_DID})\b",
    rf"\b(?:has|have){_ADVERBS}(?: all)? been (?:{_DID})\b",
    rf"\b(?:is|are) now (?:{_IS})\b",
    rf"\b(?:is|are) (?:{_IS})(?: to \w+(?: \w+)?)? now\b",
    rf"\bi(?:'ll| will| am going to|'m going to){_ADVERBS} (?:{_DO})\b",
    rf"\bi(?:'m| am){_ADVERBS} (?:{_DOING})\b",
    rf"{_INTRO}(?:{_DID.replace('|set|', '|').replace('|shut|', '|').removesuffix('|put')})\b(?! by\b)",
    rf"{_INTRO}(?:{_DOING})\b{_FINITE}",
    rf"{_INTRO}(?:(?:it's|that's|it is|that is) )?(?:all )?done(?:[,.!]|$)",
    rf"{_INTRO}(?:you're )?all set(?:[,.!]|$)",
)

_GETAN = (
    r"(?:ein|aus|an|ab|um|auf|zu|herunter|hoch)?ge(?:schaltet|macht|stellt|öffnet|schlossen|dreht|setzt|dimmt|sperrt|fahren|regelt)"
    "|(?:ver|ent)riegelt|verschlossen|hinzugefügt|entfernt|(?:de)?aktiviert|gestartet|gestoppt|angehalten|pausiert|erhöht|gesenkt"
)
_TUE = "schalte|mache?|stelle|öffne|schließe|dimme|drehe|verriegle|entriegle|starte|stoppe|aktiviere|setze|fahre|spiele"
_OBJEKT = "das|die|den|dein|deine|alle|alles|es|sie|ihn|jetzt|nun|beide"
_OHNE_NICHT = r"(?:(?!nicht\b|kein|nie\b)[^\s,;]+ ){0,9}?"
_GERMAN = (
    rf"\bich hab(?:e)? {_OHNE_NICHT}(?:{_GETAN})\b",
    rf"\bich (?:{_TUE}) (?:{_OBJEKT})\b",
    rf"{_INTRO}(?:{_TUE}) (?:{_OBJEKT})\b",
    rf"\b(?:ist|sind) (?:jetzt|nun) (?:an|aus|ein|auf|zu|offen|{_GETAN})\b",
    rf"\b(?:wurde|wurden|(?:wird|werden) (?:jetzt|nun)) {_OHNE_NICHT}(?:{_GETAN})\b",
    rf"{_INTRO}(?:ist )?(?:erledigt|gemacht)(?:[,.!]|$)",
)

_FAIT = "allumé|éteint|ouvert|fermé|réglé|verrouillé|déverrouillé|mis|lancé|démarré|arrêté|activé|désactivé|ajouté|baissé|augmenté|monté"
_FRENCH = (
    rf"(?<!n')\bj'ai (?:bien |déjà )?(?:{_FAIT})(?:e?s?)\b",
    r"\bj'(?:allume|éteins|ouvre|active|ajoute) (?:la|le|les|l'|votre|vos|ta|ton|tes)\b",
    rf"\b(?:est|sont) maintenant (?:{_FAIT})e?s?\b",
    rf"\b(?:a|ont) (?:bien )?été (?:{_FAIT})e?s?\b",
    rf"{_INTRO}c'est fait\b",
)

_HECHO = "encendid|apagad|abiert|cerrad|ajustad|puest|bloquead|desbloquead|activad|desactivad|añadid|subid|bajad|pausad|iniciad"
_SPANISH = (
    rf"(?<!no )\bhe (?:{_HECHO})o\b",
    rf"\b(?:está|están) ahora (?:{_HECHO})[oa]s?\b",
    rf"(?<!no )\b(?:ha|han) sido (?:{_HECHO})[oa]s?\b",
    rf"{_INTRO}(?:listo|hecho)(?:[,.!]|$)",
)

_FATTO = "acces|spent|apert|chius|impostat|bloccat|sbloccat|attivat|disattivat|aggiunt|alzat|abbassat|avviat|mess"
_ITALIAN = (
    rf"(?<!non )\bho (?:già )?(?:{_FATTO})o\b",
    rf"\b(?:è|sono) ora (?:{_FATTO})[oaie]\b",
    rf"(?<!non )\b(?:è|sono) stat[oaie] (?:{_FATTO})[oaie]\b",
    rf"{_INTRO}fatto(?:[,.!]|$)",
)

_GEDAAN = "(?:aan|uit|open|dicht|af|in)?ge(?:zet|daan|maakt|opend|sloten|steld|start|stopt|dimd)|aangezet|geactiveerd|toegevoegd|vergrendeld|ontgrendeld"
_DUTCH = (
    rf"\bik heb (?:(?!niet\b|geen\b|nooit\b)[^\s,;]+ ){{0,9}}?(?:{_GEDAAN})\b",
    rf"\b(?:is|zijn) nu (?:aan|uit|open|dicht|{_GEDAAN})\b",
    rf"{_INTRO}gedaan(?:[,.!]|$)",
)
_CLAIM = re.compile("|".join((*_ENGLISH, *_GERMAN, *_FRENCH, *_SPANISH, *_ITALIAN, *_DUTCH)))


def is_claim(text: str) -> bool:
    """Tell whether the text says that something was just done, is being done or will be at once."""
    plain = text.replace("\u2019", "'").lower()
    return any(_claims(sentence[-_LONGEST:].strip()) for sentence in _SENTENCES.split(plain))


def _claims(sentence: str) -> bool:
    found = None if sentence.endswith("?") else _CLAIM.search(sentence)
    return found is not None and not _SUBORDINATE.search(_CLAUSES.split(sentence[: found.start()])[-1])
