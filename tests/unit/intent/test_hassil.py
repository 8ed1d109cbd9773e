"""Recognition by the templates of home-assistant-intents and of this package."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import AreaScope, IntentRecognizer, UnknownLanguageError
from wyoming_rosie_intent.rules import hassil

KITCHEN = {"area": "Kitchen", "domain": "light"}
SAID = [
    # light
    ("turn on the kitchen lights", "HassTurnOn", KITCHEN),
    ("turn kitchen lights on", "HassTurnOn", KITCHEN),
    ("put the kitchen lights on", "HassTurnOn", KITCHEN),
    ("Turn off the lights in the living room.", "HassTurnOff", {"area": "Living Room", "domain": "light"}),
    ("switch off all of the lights in the lounge", "HassTurnOff", {"area": "Living Room", "domain": "light"}),
    ("turn on all the lights", "HassTurnOn", {"domain": "light"}),
    ("turn off every light in the house", "HassTurnOff", {"domain": "light"}),
    ("turn the bed light on please", "HassTurnOn", {"name": "Bed Light"}),
    ("could you please turn on the living room lamp", "HassTurnOn", {"name": "Living Room Lamp"}),
    ("shut off the coffee machine", "HassTurnOff", {"name": "Coffee Machine"}),
    ("start the ceiling fan", "HassTurnOn", {"name": "Ceiling Fan"}),
    ("set kitchen lights to green", "HassLightSet", {**KITCHEN, "color": "green"}),
    ("turn the kitchen lights red", "HassLightSet", {**KITCHEN, "color": "red"}),
    ("set the color of the kitchen lights to blue", "HassLightSet", {**KITCHEN, "color": "blue"}),
    ("set the bed light color to orange", "HassLightSet", {"name": "Bed Light", "color": "orange"}),
    ("set the bed light to 50%", "HassLightSet", {"name": "Bed Light", "brightness": 50}),
    ("set bed light brightness to fifty percent", "HassLightSet", {"name": "Bed Light", "brightness": 50}),
    ("dim the kitchen lights to twenty percent", "HassLightSet", {**KITCHEN, "brightness": 20}),
    ("set the kitchen lights to 5 percent brightness", "HassLightSet", {**KITCHEN, "brightness": 5}),
    ("set the bed light to maximum brightness", "HassLightSet", {"name": "Bed Light", "brightness": 100}),
    ("set the kitchen lights to warm white", "HassLightSet", {**KITCHEN, "temperature": 2700}),
    ("dim the bed light", "HassLightSet", {"name": "Bed Light", "brightness": 30}),
    ("turn off all the fans", "HassTurnOff", {"domain": "fan"}),
    # lock, cover
    ("lock the front door", "HassTurnOn", {"name": "Front Door"}),
    ("unlock the front door", "HassTurnOff", {"name": "Front Door"}),
    ("lock all the doors", "HassTurnOn", {"domain": "lock"}),
    ("open the garage door", "HassTurnOn", {"name": "Garage Door"}),
    ("close the living room curtains", "HassTurnOff", {"name": "Living Room Curtains"}),
    (
        "close the curtains in the living room",
        "HassTurnOff",
        {"area": "Living Room", "device_class": "curtain", "domain": "cover"},
    ),
    ("pull down the bedroom blinds", "HassTurnOff", {"area": "Bedroom", "device_class": "blind", "domain": "cover"}),
    ("set the garage door to 40 percent", "HassSetPosition", {"name": "Garage Door", "position": 40}),
    # climate, weather, time
    ("set the thermostat to 21.5 degrees", "HassClimateSetTemperature", {"name": "Thermostat", "temperature": 21.5}),
    (
        "set the temperature in the living room to twenty degrees",
        "HassClimateSetTemperature",
        {"area": "Living Room", "temperature": 20},
    ),
    ("what's the temperature in the bedroom", "HassClimateGetTemperature", {"area": "Bedroom"}),
    ("what's the weather", "HassGetWeather", {}),
    ("what is the weather like today", "HassGetWeather", {}),
    ("how cold is it outside", "HassGetWeather", {}),
    ("what's the time", "HassGetCurrentTime", {}),
    ("what day is it today", "HassGetCurrentDate", {}),
    # media
    ("pause the tv", "HassMediaPause", {"name": "TV"}),
    ("resume the television", "HassMediaUnpause", {"name": "TV"}),
    ("next song on the tv", "HassMediaNext", {"name": "TV"}),
    ("turn the tv up", "HassSetVolumeRelative", {"name": "TV", "volume_step": "up"}),
    ("set the tv volume to 30 percent", "HassSetVolume", {"name": "TV", "volume_level": 30}),
    # lists, scenes, scripts
    ("add apples to my shopping list", "HassListAddItem", {"item": "apples", "name": "Shopping List"}),
    ("put salt and pepper on the list", "HassShoppingListAddItem", {"item": "salt and pepper"}),
    ("what's on my shopping list", "HassGetState", {"name": "Shopping List"}),
    ("add some milk to the shopping list", "HassListAddItem", {"item": "milk", "name": "Shopping List"}),
    ("activate movie time", "HassTurnOn", {"name": "Movie Time"}),
    ("good night", "HassTurnOn", {"name": "Good Night"}),
    ("run good night", "HassTurnOn", {"name": "Good Night"}),
    # questions
    ("is the kitchen light on?", "HassGetState", {"name": "Kitchen Light", "state": "on"}),
    ("are the kitchen lights on", "HassGetState", {**KITCHEN, "state": "on"}),
    ("which lights are still on", "HassGetState", {"domain": "light", "state": "on"}),
    ("is the front door locked", "HassGetState", {"name": "Front Door", "state": "locked"}),
    ("did I lock the front door", "HassGetState", {"name": "Front Door", "state": "locked"}),
    ("is everything locked", "HassGetState", {"domain": "lock", "state": "locked"}),
    ("is the tv on", "HassGetState", {"name": "TV", "state": "on"}),
    # timers
    ("set a timer for 5 minutes", "HassStartTimer", {"minutes": 5}),
    ("set a timer for five and a half minutes", "HassStartTimer", {"minutes": 5, "seconds": 30}),
    ("set a timer for 3 hours and ten minutes", "HassStartTimer", {"hours": 3, "minutes": 10}),
    ("timer for an hour and a half", "HassStartTimer", {"hours": 1, "minutes": 30}),
    ("set a 10 minute timer called pasta", "HassStartTimer", {"minutes": 10, "name": "pasta"}),
    ("set a timer for 10 minutes called the pizza", "HassStartTimer", {"minutes": 10, "name": "pizza"}),
    ("turn off the tv in 10 minutes", "HassStartTimer", {"conversation_command": "turn off the tv", "minutes": 10}),
    ("add 2 minutes to my timer", "HassIncreaseTimer", {"minutes": 2}),
    ("cancel my pasta timer", "HassCancelTimer", {"name": "pasta"}),
    ("turn off the timer", "HassCancelTimer", {}),
    ("cancel all timers", "HassCancelAllTimers", {}),
    ("pause the timer", "HassPauseTimer", {}),
    ("resume my timer", "HassUnpauseTimer", {}),
    ("how much time is left on my timer", "HassTimerStatus", {}),
    ("how long is left on the timer", "HassTimerStatus", {}),
    # for the conductor
    ("never mind", "HassNevermind", {}),
    ("stop", "HassNevermind", {}),
    ("shut up", "HassNevermind", {}),
]
HERE = [
    ("dim the lights", "HassLightSet", {"domain": "light", "brightness": 30}),
    ("turn on the lights", "HassTurnOn", {"domain": "light"}),
    ("turn the light off", "HassTurnOff", {"domain": "light"}),
    ("set brightness to 50 percent", "HassLightSet", {"domain": "light", "brightness": 50}),
    ("is the light on", "HassGetState", {"domain": "light", "state": "on"}),
    ("close the curtains", "HassTurnOff", {"domain": "cover", "device_class": "curtain"}),
    ("what's the temperature", "HassClimateGetTemperature", {}),
    ("set the temperature to 19 degrees", "HassClimateSetTemperature", {"temperature": 19}),
    ("pause", "HassMediaPause", {}),
    ("play", "HassMediaUnpause", {}),
    ("next", "HassMediaNext", {}),
    ("skip this song", "HassMediaNext", {}),
    ("volume up", "HassSetVolumeRelative", {"volume_step": "up"}),
    ("turn down the volume by 10 percent", "HassSetVolumeRelative", {"volume_step": -10}),
    ("set the volume to 50", "HassSetVolume", {"volume_level": 50}),
]
NO_COMMAND = [
    "", "   ", "tv", "the kitchen light", "lights", "yes", "no", "green", "kitchen", "front door",
    "i left the light on yesterday", "the lights are on", "my brother turned on the light", "he said turn on the light",
    "don't turn on the kitchen light", "do not open the garage door", "if it rains close the windows",
    "why is the front door locked", "should i turn on the heating", "who opened the garage door", "i like the kitchen light",
    "turn off the tv in five minutes in ten minutes",
    "i will be home in five minutes", "in five minutes we leave", "see you in an hour", "we should play a game",
    "who is the president", "tell me a joke", "how are you", "i am cold", "what is the meaning of life", "next week",
    "the weather is nice today", "we watched tv in the living room", "i need more time", "call mom", "turn", "set", "open",
]  # fmt: skip


@pytest.mark.parametrize(("text", "intent", "slots"), SAID)
def test_a_sentence_means_the_same_in_any_room(
    recognizer: IntentRecognizer, text: str, intent: str, slots: dict[str, object]
) -> None:
    for area in (None, "kitchen", "Attic"):
        match = recognizer.recognize(text, area=area)
        assert match is not None
        assert (match.intent, match.slots) == (intent, slots)
        assert match.area_scope is (AreaScope.NAMED if "area" in slots else AreaScope.ANYWHERE)


@pytest.mark.parametrize(("text", "intent", "slots"), HERE)
def test_a_sentence_about_here_means_the_room_of_the_speaker(
    recognizer: IntentRecognizer, text: str, intent: str, slots: dict[str, object]
) -> None:
    here = recognizer.recognize(text, area="living_room")
    nowhere = recognizer.recognize(text)
    assert here is not None
    assert nowhere is not None
    assert (here.intent, here.slots, here.area_scope) == (intent, {**slots, "area": "Living Room"}, AreaScope.HERE)
    assert (nowhere.intent, nowhere.slots, nowhere.area_scope) == (intent, slots, AreaScope.UNKNOWN)


@pytest.mark.parametrize("text", NO_COMMAND)
def test_what_is_no_command_means_nothing(recognizer: IntentRecognizer, text: str) -> None:
    assert recognizer.recognize(text, area="kitchen") is None


def test_a_room_that_only_the_conductor_knows_is_passed_on(recognizer: IntentRecognizer) -> None:
    match = recognizer.recognize("turn on the lights", area="Attic")
    assert match is not None
    assert match.slots["area"] == "Attic"


@pytest.mark.parametrize("language", [None, "en", "en-US", "en_GB", "EN"])
def test_english_has_many_tags(recognizer: IntentRecognizer, language: str | None) -> None:
    assert recognizer.recognize("what time is it", language) is not None


def test_an_unknown_language_is_refused_with_those_that_are_known(recognizer: IntentRecognizer) -> None:
    with pytest.raises(UnknownLanguageError, match=r"'xx'; there are: de, en, es, fr, it, nl and \d+ more$"):
        recognizer.recognize("turn on the light", "xx")


def test_words_without_an_end_are_not_searched_for_a_meaning(recognizer: IntentRecognizer) -> None:
    assert recognizer.recognize("turn on the light " * 50) is None


@pytest.mark.parametrize(
    "text", ["turn on\x00 the\tbed  light\n", "\u200bTurn on the bed light!?", "turn on the “bed light”"]
)
def test_odd_characters_are_no_obstacle_or_no_command(recognizer: IntentRecognizer, text: str) -> None:
    match = recognizer.recognize(text)
    assert match is None or match.slots == {"name": "Bed Light"}


def test_names_are_heard_without_signs_and_with_numbers_in_words() -> None:
    home = Home(
        (Area("a", "Room 2"),),
        (Entity("light.a", "Anna's Lamp (big) 2", "light"), Entity("light.b", "A|[b] {c}", "light")),
    )
    recognizer = hassil.load(hassil.Settings(), home)
    for text in ("turn on anna's lamp big two", "turn on anna\u2019s lamp big 2"):
        match = recognizer.recognize(text)
        assert match is not None
        assert match.slots == {"name": "Anna's Lamp (big) 2"}
    match = recognizer.recognize("turn on the lights in room two")
    assert match is not None
    assert match.slots["area"] == "Room 2"


def test_a_bare_name_is_an_order_only_where_that_is_wanted(home: Home) -> None:
    match = hassil.load(hassil.Settings(bare_names=True), home).recognize("the tv")
    assert match is not None
    assert (match.intent, match.slots) == ("HassTurnOn", {"name": "TV"})


def fixture_home(path: Path) -> Home:
    known: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["fixtures"]
    areas = tuple(Area(area["name"].casefold(), area["name"]) for area in known["areas"])
    entities = enumerate(known["entities"])
    return Home(
        areas, tuple(Entity(f"{entity['domain']}.{n}", entity["name"], entity["domain"]) for n, entity in entities)
    )


@pytest.mark.parametrize("folder", ["commands-en", "commands-en-tts"])
def test_every_recorded_command_is_understood(shared_data: Path, folder: str) -> None:
    recognizer = hassil.load(hassil.Settings(), fixture_home(shared_data / "commands-en" / "upstream_fixtures_en.yaml"))
    spoken = [clip.stem.replace("_", " ") for clip in sorted((shared_data / folder).glob("*.wav"))]
    commands = [text for text in spoken if not text.startswith("oov")]
    assert commands
    assert [text for text in commands if recognizer.recognize(text, area="Kitchen") is None] == []


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("baja el volumen de la TV 20%", -20),
        ("baja el volumen de la TV un 15 por ciento", -15),
        ("baja el volumen de la TV", "down"),
    ],
)
def test_a_spoken_percentage_of_the_volume_is_not_lost(text: str, step: int | str) -> None:
    home = Home((), (Entity("media_player.tv", "TV", "media_player"),))
    match = hassil.HassilRecognizer(home, ("es",)).recognize(text, "es")
    assert match is not None
    assert match.slots == {"name": "TV", "volume_step": step}


@pytest.mark.parametrize(
    ("language", "text"),
    [("fr", "mets la table"), ("fr", "mets des fleurs sur le piano"), ("es", "pon la mesa"), ("it", "metti giù quel telefono")],
)  # fmt: skip
def test_a_thing_that_one_puts_somewhere_is_no_song(language: str, text: str) -> None:
    assert hassil.HassilRecognizer(Home(), (language,)).recognize(text, language, "kitchen") is None


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "mets du jazz"), ("es", "pon música clásica"), ("it", "metti un po' di jazz")]
)
def test_music_is_still_put_on(language: str, text: str) -> None:
    match = hassil.HassilRecognizer(Home(), (language,)).recognize(text, language, "kitchen")
    assert match is not None
    assert match.intent == "HassMediaSearchAndPlay"


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [("fr", "mets 5 minutes pour les pâtes", "pâtes"), ("es", "pon 5 minutos para la pasta", "pasta"), ("it", "metti 5 minuti per la pasta", "pasta"), ("nl", "zet 5 minuten voor de pasta", "pasta")],
)  # fmt: skip
def test_minutes_that_are_put_are_a_timer(language: str, text: str, name: str) -> None:
    match = hassil.HassilRecognizer(Home(), (language,)).recognize(text, language, "kitchen")
    assert match is not None
    assert (match.intent, match.slots) == ("HassStartTimer", {"minutes": 5, "name": name})


MODE = Home((), (Entity("scene.party", "聚会模式", "scene"), Entity("scene.film", "Filmabend", "scene")))


@pytest.mark.parametrize(
    ("language", "text", "acts"),
    [("zh-CN", "启动聚会模式", True), ("zh-CN", "聚会模式", False), ("de", "Filmabend", False), ("de", "Filmabend!", False), ("de", "starte Filmabend", True)],
)  # fmt: skip
def test_the_name_of_a_scene_alone_is_a_command_only_in_more_words(language: str, text: str, *, acts: bool) -> None:
    match = hassil.HassilRecognizer(MODE, (language,)).recognize(text, language)
    assert (match is not None) is acts


@pytest.mark.parametrize("text", ["ışıkları kapat", "Işıkları kapat", "burası sıcak mı?"])  # noqa: RUF001 - Turkish
def test_turkish_letters_find_their_templates(text: str) -> None:
    assert hassil.HassilRecognizer(Home(), ("tr",)).recognize(text, "tr", "kitchen") is not None
