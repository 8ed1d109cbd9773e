"""Queries for persons at home, in all languages of home-assistant-intents that have them."""

import pytest

from tests.unit.intent.family import family
from wyoming_rosie_intent.rules.hassil import HassilRecognizer

ASKED = {
    "en": "who is home",
    "de": "wer ist zu Hause",
    "fr": "qui est à la maison",
    "es": "quién está en casa",
    "it": "chi c'è a casa",
    "nl": "wie is er thuis",
    "ca": "qui hi ha a casa",
    "cs": "kdo je doma",
    "da": "hvem er hjemme",
    "de-CH": "wär isch dihei",
    "el": "ποιος είναι σπίτι",
    "fi": "kuka on kotona",
    "gl": "quen está en casa",
    "hy": "ով է տանը",
    "ml": "വീട് എന്ന സ്ഥലത്തുള്ള ആളുകൾ ആരൊക്കെയാണ്",
    "ms": "siapa di rumah",
    "nb": "hvem er hjemme",
    "ne": "को घरमा छ",
    "pt": "quem está em casa",
    "pt-BR": "quem está em casa",
    "ro": "cine este acasă",
    "sk": "kto je doma",
    "sl": "kdo je doma",
    "sr": "ко је код куће",  # noqa: RUF001 - Serbian
    "sr-Latn": "ko je kod kuće",
    "sv": "vem är i hem",
    "vi": "ai đang ở nhà",
    "zh-CN": "谁在家",
}


@pytest.mark.parametrize(("language", "text"), ASKED.items())
def test_who_is_home_is_understood(language: str, text: str) -> None:
    match = HassilRecognizer(family(), (language,)).recognize(text, language, "kitchen")
    assert match is not None
    assert (match.intent, match.slots["domain"], match.slots["state"]) == ("HassGetState", "person", "home")
