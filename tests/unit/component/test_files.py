"""Files that Home Assistant and HACS read of the component: complete, in the order they ask for, the same in every language."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from wyoming_rosie import __version__

ROOT = Path(__file__).parents[3]
COMPONENT = ROOT / "custom_components" / "hybrid_llm"


def read(name: str) -> Any:
    return json.loads((COMPONENT / name).read_text("utf-8"))


def texts(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a tree with their paths."""
    if isinstance(tree, str):
        yield path, tree
        return
    for key, branch in tree.items():
        yield from texts(branch, f"{path}/{key}")


def test_the_manifest_has_what_home_assistant_and_hacs_want_in_their_order() -> None:
    manifest = read("manifest.json")
    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]
    wanted = {"codeowners", "config_flow", "documentation", "integration_type", "iot_class", "issue_tracker", "version"}
    assert wanted <= set(manifest)
    assert manifest["domain"] == COMPONENT.name
    assert manifest["version"] == __version__


def test_hacs_finds_one_component() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text("utf-8"))
    assert hacs["homeassistant"] == "2025.4.0"
    assert [path.name for path in (ROOT / "custom_components").iterdir() if path.is_dir()] == [COMPONENT.name]


def test_english_is_what_the_strings_say() -> None:
    assert read("translations/en.json") == read("strings.json")


@pytest.mark.parametrize("language", sorted(path.stem for path in (COMPONENT / "translations").glob("*.json")))
def test_a_translation_has_every_text_with_its_placeholders(language: str) -> None:
    strings, translated = dict(texts(read("strings.json"))), dict(texts(read(f"translations/{language}.json")))
    assert set(translated) == set(strings)
    for path, text in strings.items():
        assert set(re.findall(r"{\w+}", translated[path])) == set(re.findall(r"{\w+}", text)), path


def test_actions_and_sensors_have_icons_and_texts() -> None:
    strings, icons = read("strings.json"), read("icons.json")
    actions = yaml.safe_load((COMPONENT / "services.yaml").read_text("utf-8"))
    assert set(actions) == set(strings["services"]) == set(icons["services"])
    for name, action in actions.items():
        assert set(action["fields"]) == set(strings["services"][name]["fields"])
    assert set(icons["entity"]["sensor"]) == set(strings["entity"]["sensor"])


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_the_brand_has_icons_of_the_sizes_that_are_shown(name: str, size: int) -> None:
    data = (COMPONENT / "brand" / name).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == int.from_bytes(data[20:24], "big") == size


def test_the_rules_know_nothing_of_home_assistant() -> None:
    for path in (COMPONENT / "rules").glob("*.py"):
        imported = re.findall(r"^(?:from|import) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE)
        assert not [name for name in imported if name.startswith(("homeassistant", "aiohttp", "wyoming", ".."))]
