from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import DEMO_HOME, DOMAINS, Area, Entity, Home, load

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
    return load(file)


def test_a_home_is_read_with_areas_and_entities(tmp_path: Path) -> None:
    sink = Entity("light.sink", "Sink Light", "light", "kitchen", ("worktop",), frozenset({"brightness", "color"}))
    assert read(tmp_path, SMALL) == Home(
        (Area("kitchen", "Kitchen", ("cook's room",)),), (sink, Entity("lock.front", "Front Door", "lock"))
    )


def test_an_empty_file_is_an_empty_home(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Home()


@pytest.mark.parametrize("spoken", ["kitchen", "Kitchen", "KITCHEN", "Cook's Room"])
def test_an_area_is_found_by_id_name_and_alias_in_any_case(tmp_path: Path, spoken: str) -> None:
    found = read(tmp_path, SMALL).area(spoken)
    assert found is not None
    assert found.id == "kitchen"


def test_an_entity_is_found_by_id_name_and_alias_and_nothing_else(tmp_path: Path) -> None:
    home = read(tmp_path, SMALL)
    assert [home.entity(spoken) is not None for spoken in ("light.sink", "sink light", "Worktop", "sink", "")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert home.area("sink light") is None


def test_the_demo_home_has_every_kind_of_thing_that_people_try_first() -> None:
    home = load(DEMO_HOME)
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
        ("x = 1", "unknown table 'x'; there are: areas, entities"),
        ("areas = 1", "'areas' must be written as [[areas]] entries"),
        ("entities = [1]", "'entities' must be written as [[entities]] entries"),
        ("[areas]\nid = 'a'", "'areas' must be written as [[areas]] entries"),
        ("[[areas]]\nname = 'A'", "[[areas]] entry 1 has no 'id'"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n[[areas]]\nid = 'b'", "[[areas]] entry 2 has no 'name'"),
        ("[[areas]]\nid = 'a'\nname = ' '", "[[areas]] entry 1: 'name' must be a text that is not empty"),
        ("[[areas]]\nid = 7\nname = 'A'", "[[areas]] entry 1: 'id' must be a text that is not empty"),
        ("[[areas]]\nid = 'a'\nname = 'A'\naliases = 'B'", "[[areas]] entry 1: 'aliases' must be a list of texts"),
        ("[[areas]]\nid = 'a'\nname = 'A'\naliases = ['']", "[[areas]] entry 1: 'aliases' must be a list of texts"),
        ("[[areas]]\nid = 'a'\nname = 'A'\nfloor = '1'", "[[areas]] entry 1 has an unknown key 'floor'; there are: aliases, id, name"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n" * 2, "the id 'a' is given twice"),
        ("[[areas]]\nid = 'a'\nname = 'A'\n[[areas]]\nid = 'b'\nname = 'B'\naliases = ['a']", "the area name 'a' is given twice"),
        ("[[entities]]\nid = 'e'\nname = 'E'", "[[entities]] entry 1 has no 'domain'"),
        ("[[entities]]\nid = 'e'\nname = 'E'\ndomain = 'toaster'", "entity 'e' has an unknown domain 'toaster'; there are: climate, cover"),
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


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the home file .*nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(tmp_path / "home.toml")


names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=9)


@given(st.lists(names, unique_by=str.casefold, max_size=6))
def test_every_area_is_found_by_its_own_name(given_names: list[str]) -> None:
    home = Home(tuple(Area(f"#{number}", name) for number, name in enumerate(given_names)))
    assert [home.area(name) for name in given_names] == list(home.areas)
