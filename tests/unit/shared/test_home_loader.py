from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import (
    DEMO_HOME,
    DOMAINS,
    Area,
    Entity,
    Home,
    Location,
    Preferences,
    RoomPolicy,
    Zone,
)

SMALL = """
[[areas]]
id = "kitchen"
name = "Kitchen"
aliases = ["cook's room"]

[[entities]]
id = "light.sink"
name = "Sink Light"
aliases = ["worktop"]
domain = "light"
area = "kitchen"
features = ["brightness", "color"]

[[entities]]
id = "lock.front"
name = "Front Door"
domain = "lock"
"""


def read(folder: Path, text: str) -> Home:
    file = folder / "home.toml"
    file.write_text(text, "utf-8")
    return load_home(file)


def test_a_home_is_read_with_areas_and_entities(tmp_path: Path) -> None:
    sink = Entity("light.sink", "Sink Light", "light", "kitchen", ("worktop",), frozenset({"brightness", "color"}))
    assert read(tmp_path, SMALL) == Home(
        (Area("kitchen", "Kitchen", ("cook's room",)),), (sink, Entity("lock.front", "Front Door", "lock"))
    )


def test_an_empty_file_is_an_empty_home(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Home()


@pytest.mark.parametrize("spoken", ["kitchen", "Kitchen", "KITCHEN", "Cook's Room"])
def test_an_area_is_found_by_id_name_and_alias_in_any_case(tmp_path: Path, spoken: str) -> None:
    found = read(tmp_path, SMALL).get_area(spoken)
    assert found is not None
    assert found.id == "kitchen"


def test_an_entity_is_found_by_id_name_and_alias_and_nothing_else(tmp_path: Path) -> None:
    home = read(tmp_path, SMALL)
    assert [home.get_entity(spoken) is not None for spoken in ("light.sink", "sink light", "Worktop", "sink", "")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert home.get_area("sink light") is None


def test_the_demo_home_has_every_kind_of_thing_that_people_try_first() -> None:
    home = load_home(DEMO_HOME)
    assert {entity.domain for entity in home.entities} >= {
        "light",
        "switch",
        "fan",
        "cover",
        "lock",
        "climate",
        "media_player",
    }
    assert {entity.domain for entity in home.entities} <= DOMAINS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "unknown table 'x'; there are: areas, entities, floors, location"),
        ("areas = 1", "'areas' must be written as [[areas]] entries"),
        ("entities = [1]", "'entities' must be written as [[entities]] entries"),
        ("[areas]\nid = 'a'", "'areas' must be written as [[areas]] entries"),
        ("[[areas]]\nname = 'A'", "[[areas]] entry 1 has no 'id'"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n[[areas]]\nid = 'b'", "[[areas]] entry 2 has no 'name'"),
        ("[[areas]]\nid = 'a'\nname = ' '", "[[areas]] entry 1: 'name' must be a text that is not empty"),
        ("[[areas]]\nid = 7\nname = 'A'", "[[areas]] entry 1: 'id' must be a text that is not empty"),
        ("[[areas]]\nid = 'a'\nname = 'A'\naliases = 'B'", "[[areas]] entry 1: 'aliases' must be a list of texts"),
        ("[[areas]]\nid = 'a'\nname = 'A'\naliases = ['']", "[[areas]] entry 1: 'aliases' must be a list of texts"),
        ("[[areas]]\nid = 'a'\nname = 'A'\nfloor = '1'", "area 'a' is on an unknown floor '1'"),
        ("[[areas]]\nid = 'a'\nname = 'A'\nroof = '1'", "[[areas]] entry 1 has an unknown key 'roof'; there are: aliases, floor, id, name"),
        ("[[floors]]\nid = 'up'\nname = 'Up'\n[[floors]]\nid = 'high'\nname = 'up'", "the floor name 'up' is given twice"),
        ("location = 1", "'location' must be written as a table [location]"),
        ("[location]\nlatitude = 91.0\nlongitude = 0", "'latitude' must be between -90 and 90"),
        ("[location]\nlatitude = true", "'latitude' must be a number"),
        ("[location]\nlatitude = 5", "[location] needs both 'latitude' and 'longitude', or neither"),
        ("[preferences]\nunits = 'old'", "'units' must be metric or imperial"),
        ("[preferences]\nalways_local = 'yes'", "'always_local' must be true or false"),
        ("[preferences]\ncolour = 'red'", "[preferences] has an unknown key 'colour'; there are: always_local, language"),
        ("[rooms.attic]\nprivate = true", "[rooms.attic] is about an unknown area 'attic'"),
        ("rooms = 1", "'rooms' must be written as [rooms.AREA] tables"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n[rooms.a]\nmay = 'light.*'", "[rooms.a]: 'may' must be a list of texts"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n" * 2, "the id 'a' is given twice"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n[[areas]]\nid = 'b'\nname = 'B'\naliases = ['a']", "the area name 'a' is given twice"),
        ("[[entities]]\nid = 'e'\nname = 'E'", "[[entities]] entry 1 has no 'domain'"),
        ("[[zones]]\naliases = ['work']", "[[zones]] entry 1 has no 'name'"),
        ("[[zones]]\nid = 'zone.work'\nname = 'Work'", "[[zones]] entry 1 has an unknown key 'id'; there are: aliases, name"),
        ("[[entities]]\nid = 'e'\nname = 'E'\ndomain = 'toaster'", "entity 'e' has an unknown domain 'toaster'; there are: alarm_control_panel, automation"),
        ("[[entities]]\nid = 'e'\nname = 'E'\ndomain = 'light'\narea = 'x'", "entity 'e' is in an unknown area 'x'"),
        ("[[entities]]\nid = 'e'\nname = 'E'\ndomain = 'light'\nfeatures = ['sound']", "entity 'e' has an unknown feature 'sound'"),
        ("[[areas", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_name_and_the_entry(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert reason in str(refused.value)
    assert str(tmp_path / "home.toml") in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SMALL + "\n[[entities]]\nid = 'x'\nname = 'X'\ndomain = 'toaster'\n", 23),
        (SMALL + "\n[[entities]]\nid = 'x'\nname = 'X'\n", 20),
        (SMALL.replace('domain = "lock"', 'door = "lock"'), 18),
        ("\n\n[preferences]\n'units' = 'old'", 4),
        ("[location]\nlatitude = 5\nlongitude = 500\n", 3),
        ("a = 1\n[attic]\n", 1),
        ("\nareas = 1", 2),
        ("[[areas]]\nid = 'a'\nname = \n", 3),
    ],
)
def test_the_line_of_what_is_wrong_is_named(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"line {line}\b"):
        read(tmp_path, text)


def test_where_the_home_is_and_what_its_people_like_is_read(tmp_path: Path) -> None:
    home = read(
        tmp_path,
        """
[location]
name = "Graz"
latitude = 47
longitude = 15.4

[preferences]
language = "de"
temperature = 21
always_local = true

[[floors]]
id = "up"
name = "First Floor"
aliases = ["upstairs"]

[[areas]]
id = "office"
name = "Office"
floor = "up"

[rooms.office]
may = ["light.*"]
private = true

[[zones]]
name = "Work"
aliases = ["the mill"]
""",
    )
    assert home.zones == (Zone("Work", ("the mill",)),)
    assert home.location == Location("Graz", 47.0, 15.4)
    assert home.preferences == Preferences("de", "metric", 21.0, always_local=True)
    assert home.rooms == {"office": RoomPolicy(("light.*",), private=True)}
    assert [area.id for area in home.get_areas_on_floor("upstairs")] == ["office"]
    assert home.get_areas_on_floor("cellar") == ()


def test_things_of_one_name_are_all_called_so_but_not_by_their_ids() -> None:
    lamps = (Entity("light.1", "Lamp", "light"), Entity("light.2", "Globe", "light", aliases=("lamp",)))
    home = Home(entities=lamps)
    assert home.find_by_name("LAMP") == lamps
    assert home.find_by_name("light.1") == ()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the home file .*nowhere\.toml: No such file"):
        load_home(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_home(tmp_path / "home.toml")


names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=9)


@given(st.lists(names, unique_by=str.casefold, max_size=6))
def test_every_area_is_found_by_its_own_name(given_names: list[str]) -> None:
    home = Home(tuple(Area(f"#{number}", name) for number, name in enumerate(given_names)))
    assert [home.get_area(name) for name in given_names] == list(home.areas)
