from wyoming_rosie.home.model import Area, Entity, Floor, Home
from wyoming_rosie_intent.engine import Answer, AreaScope, Match
from wyoming_rosie_intent.execution.targets import find_targets

HOME = Home(
    (Area("office", "Office"), Area("bedroom", "Bedroom")),
    (
        Entity("light.1", "Lamp", "light", "office", features=frozenset({"color"})),
        Entity("light.2", "Lamp", "light", "bedroom"),
        Entity("light.3", "Globe", "light"),
        Entity("lock.1", "Front Door", "lock"),
        Entity("cover.1", "Front Door", "cover"),
        Entity("media.1", "Radio", "media_player", "office"),
        Entity("media.2", "TV", "media_player", "bedroom"),
        Entity("climate.1", "Boiler", "climate"),
        Entity("weather.1", "Here", "weather"),
        Entity("weather.2", "There", "weather"),
    ),
)


def ids(match: Match, area: str | None = None) -> list[str]:
    found = find_targets(HOME, match, area)
    return [] if isinstance(found, Answer) else [entity.id for entity in found]


def says(match: Match, area: str | None = None) -> str:
    found = find_targets(HOME, match, area)
    assert isinstance(found, Answer)
    assert not found.done
    return found.text


def test_a_name_that_two_things_have_means_the_one_in_the_speakers_room() -> None:
    lamp = Match("HassTurnOn", {"name": "Lamp"}, domain="light")
    assert ids(lamp, "bedroom") == ["light.2"]
    assert says(lamp) == "There are several Lamp. Please say which one. The rooms are the Office and the Bedroom."


def test_a_room_that_is_said_decides_over_the_speakers() -> None:
    assert ids(
        Match("HassTurnOn", {"name": "Lamp", "area": "Office"}, domain="light", area_scope=AreaScope.NAMED), "bedroom"
    ) == ["light.1"]


def test_a_thing_without_a_room_may_be_said_to_be_in_any() -> None:
    assert ids(
        Match("HassTurnOn", {"name": "Globe", "area": "Office"}, domain="light", area_scope=AreaScope.NAMED)
    ) == ["light.3"]


def test_the_domain_of_the_sentence_tells_things_of_one_name_apart() -> None:
    assert ids(Match("HassTurnOff", {"name": "Front Door"}, domain="lock")) == ["lock.1"]
    assert ids(Match("HassTurnOff", {"name": "Front Door"}, domain="cover")) == ["cover.1"]


def test_a_group_is_what_is_in_the_room() -> None:
    assert ids(Match("HassTurnOn", {"area": "Office"}, domain="light", area_scope=AreaScope.HERE)) == ["light.1"]
    assert ids(Match("HassTurnOn", {}, domain="light")) == ["light.1", "light.2", "light.3"]


def test_a_room_that_this_home_does_not_have_holds_nothing() -> None:
    assert (
        says(Match("HassTurnOn", {"area": "Attic"}, domain="light", area_scope=AreaScope.HERE))
        == "Sorry, I know no lights in the Attic."
    )


def test_only_what_can_be_coloured_is() -> None:
    assert ids(Match("HassLightSet", {"color": "red"}, domain="light")) == ["light.1"]
    assert (
        says(Match("HassLightSet", {"name": "Globe", "color": "red"}, domain="light"))
        == "Sorry, I cannot set the Globe to red."
    )


def test_the_only_boiler_serves_every_room() -> None:
    assert ids(Match("HassClimateSetTemperature", {"area": "Office"}, area_scope=AreaScope.HERE)) == ["climate.1"]
    assert ids(Match("HassClimateGetTemperature", {"area": "Office"}, area_scope=AreaScope.NAMED)) == ["climate.1"]
    assert ids(Match("HassClimateGetTemperature", {}, area_scope=AreaScope.UNKNOWN)) == ["climate.1"]


def test_of_several_players_the_one_in_the_room_is_meant_and_never_a_guess() -> None:
    assert ids(Match("HassMediaPause", {"area": "Office"}, area_scope=AreaScope.HERE)) == ["media.1"]
    assert says(Match("HassMediaPause", {}, area_scope=AreaScope.UNKNOWN)).startswith(
        "There are several media players."
    )


def test_the_first_weather_is_the_one_at_home() -> None:
    assert ids(Match("HassGetWeather")) == ["weather.1"]
    assert ids(Match("HassGetWeather", {"name": "There"}, domain="weather")) == ["weather.2"]


UPSTAIRS = Home(
    (Area("office", "Office", floor="up"), Area("hall", "Hall", floor="down"), Area("attic", "Attic", floor="up")),
    (
        Entity("light.1", "Lamp", "light", "office"),
        Entity("light.2", "Globe", "light", "hall"),
        Entity("light.3", "Bulb", "light", "attic"),
        Entity("cover.1", "Left", "cover", "office", device_class="curtain"),
        Entity("cover.2", "Curtain of Iron", "cover", "hall", device_class="garage"),
    ),
    (Floor("up", "Upper Floor", ("upstairs",)), Floor("down", "Ground Floor")),
)


def test_a_floor_means_the_things_in_all_its_rooms() -> None:
    found = find_targets(UPSTAIRS, Match("HassTurnOff", {"floor": "Upper Floor"}, domain="light"))
    assert not isinstance(found, Answer)
    assert [entity.id for entity in found] == ["light.1", "light.3"]
    nothing = find_targets(UPSTAIRS, Match("HassTurnOff", {"floor": "Ground Floor"}, domain="fan"))
    assert nothing == Answer("Sorry, I know no fans in the Ground Floor.", done=False)


def test_what_a_thing_is_known_to_be_counts_more_than_its_name() -> None:
    found = find_targets(UPSTAIRS, Match("HassTurnOn", {"device_class": "curtain"}, domain="cover"))
    assert not isinstance(found, Answer)
    assert [entity.id for entity in found] == ["cover.1"]


def test_it_is_said_in_the_language_of_the_sentence() -> None:
    nothing = find_targets(
        HOME, Match("HassTurnOn", {"area": "Attic"}, domain="light", area_scope=AreaScope.HERE, language="de")
    )
    assert nothing == Answer("Ich kenne leider keine Lichter im Bereich Attic.", done=False)


def test_a_question_about_no_thing_has_no_target() -> None:
    assert ids(Match("HassGetCurrentTime")) == []
    assert find_targets(HOME, Match("HassGetCurrentTime")) == ()
