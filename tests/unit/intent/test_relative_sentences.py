"""Relative values and remarks in four more languages, and that their negations and reports change nothing."""

from functools import cache
from typing import TypeAlias

import pytest

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import IntentRecognizer, SlotValue
from wyoming_rosie_intent.rules import hassil

NAMES = {
    "fr": ("Cuisine", "Lampe Bleue", "Télé", "Volet"),
    "es": ("Cocina", "Lámpara Azul", "Tele", "Persiana"),
    "it": ("Cucina", "Lampada Blu", "Tele", "Tapparella"),
    "nl": ("Keuken", "Blauwe Lamp", "Tv", "Rolgordijn"),
}
Expected: TypeAlias = tuple[str, dict[str, SlotValue]]
BRIGHTER: Expected = ("HassLightSet", {"brightness_step": "up"})
DARKER: Expected = ("HassLightSet", {"brightness_step": "down"})
A_BIT_DARKER: Expected = ("HassLightSet", {"brightness_step": -10})
BY_TEN: Expected = A_BIT_DARKER
TOO_DARK: Expected = ("HassLightSet", {"brightness_step": 40})
WARMER: Expected = ("HassClimateSetTemperature", {"temperature_step": "up"})
TWO_WARMER: Expected = ("HassClimateSetTemperature", {"temperature_step": 2})
TWO_COLDER: Expected = ("HassClimateSetTemperature", {"temperature_step": -2})
LOUDER: Expected = ("HassSetVolumeRelative", {"volume_step": "up"})
STOP: Expected = ("HassStopMoving", {})
SAID: list[tuple[str, str, Expected | None]] = [
    ("fr", "monte la lampe bleue", BRIGHTER),
    ("fr", "lampe bleue plus forte", BRIGHTER),
    ("fr", "plus de lumière", BRIGHTER),
    ("fr", "un peu plus sombre", A_BIT_DARKER),
    ("fr", "baisse la lumière", DARKER),
    ("fr", "baisse la lumière de 10 pour cent", BY_TEN),
    ("fr", "monte le chauffage de deux degrés", TWO_WARMER),
    ("fr", "2 degrés de moins", TWO_COLDER),
    ("fr", "télé plus fort", LOUDER),
    ("fr", "arrête le volet", STOP),
    ("fr", "éteins toutes les lumières sauf la cuisine", ("HassTurnOff", {"except_area": "Cuisine"})),
    ("fr", "il fait trop sombre ici", TOO_DARK),
    ("fr", "il fait trop sombre ici ?", None),
    ("fr", "il fait trop chaud dehors", None),
    ("fr", "ne monte pas le chauffage", None),
    ("fr", "hier il faisait plus chaud", None),
    ("fr", "il fait plus chaud", None),
    ("es", "sube la lámpara azul", BRIGHTER),
    ("es", "más luz", BRIGHTER),
    ("es", "un poco más oscuro", A_BIT_DARKER),
    ("es", "baja la luz un 10 por ciento", BY_TEN),
    ("es", "sube la calefacción dos grados", TWO_WARMER),
    ("es", "2 grados menos", TWO_COLDER),
    ("es", "más calor", WARMER),
    ("es", "tele más alto", LOUDER),
    ("es", "para la persiana", STOP),
    ("es", "apaga todas las luces menos la cocina", ("HassTurnOff", {"except_area": "Cocina"})),
    ("es", "está demasiado oscuro aquí", TOO_DARK),
    ("es", "¿está demasiado oscuro aquí?", None),
    ("es", "no subas la calefacción", None),
    ("es", "ayer hacía más calor", None),
    ("it", "alza la lampada blu", BRIGHTER),
    ("it", "più luce", BRIGHTER),
    ("it", "un po' più scuro", A_BIT_DARKER),
    ("it", "abbassa la luce del 10 per cento", BY_TEN),
    ("it", "alza il riscaldamento di due gradi", TWO_WARMER),
    ("it", "2 gradi in meno", TWO_COLDER),
    ("it", "più caldo", WARMER),
    ("it", "tele più forte", LOUDER),
    ("it", "ferma la tapparella", STOP),
    ("it", "spegni tutte le luci tranne la cucina", ("HassTurnOff", {"except_area": "Cucina"})),
    ("it", "è troppo buio qui", TOO_DARK),
    ("it", "non alzare il riscaldamento", None),
    ("it", "ieri era più caldo", None),
    ("nl", "maak de blauwe lamp feller", BRIGHTER),
    ("nl", "meer licht", BRIGHTER),
    ("nl", "iets donkerder", A_BIT_DARKER),
    ("nl", "dim het licht met 10 procent", BY_TEN),
    ("nl", "zet de verwarming twee graden hoger", TWO_WARMER),
    ("nl", "2 graden kouder", TWO_COLDER),
    ("nl", "warmer", WARMER),
    ("nl", "tv harder", LOUDER),
    ("nl", "stop het rolgordijn", STOP),
    ("nl", "doe alle lampen uit behalve in de keuken", ("HassTurnOff", {"except_area": "Keuken"})),
    ("nl", "het is hier te donker", TOO_DARK),
    ("nl", "zet de verwarming niet hoger", None),
    ("nl", "gisteren was het warmer", None),
]


@cache
def load(language: str) -> IntentRecognizer:
    room, lamp, tv, blind = NAMES[language]
    entities = (
        Entity("light.a", lamp, "light", "a", features=frozenset({"brightness", "color"})),
        Entity("media_player.a", tv, "media_player", "a"),
        Entity("cover.a", blind, "cover", "a"),
        Entity("climate.a", "Thermo", "climate", "a"),
    )
    return hassil.load(hassil.Settings((language,)), Home((Area("a", room),), entities))


@pytest.mark.parametrize(("language", "text", "expected"), SAID)
def test_steps_are_understood_and_what_is_not_asked_for_is_not_done(
    language: str, text: str, expected: Expected | None
) -> None:
    match = load(language).recognize(text, language, "a")
    if expected is None:
        assert match is None
    else:
        assert match is not None
        assert (match.intent, {**match.slots, **expected[1]}) == (expected[0], match.slots)
