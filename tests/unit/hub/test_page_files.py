"""The page's files: plain, from this host alone, for old browsers, and in every language."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from wyoming_rosie_hub import web

PAGE = Path(web.__file__).with_name("page")
FILES = sorted(path for path in PAGE.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg", ".webmanifest"))
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
MARKUP = [path for path in FILES if path.suffix == ".html"]
NAMESPACE = "http://www.w3.org/2000/svg"
_ELSEWHERE = re.compile(r"""["'(]\s*(?:https?:)?//\w""")
_NEWER_THAN_2019 = re.compile(
    r"\?\.[a-zA-Z(\[]|\?\?|\bimport\(|^\s*(?:static )?#\w|\bthis\.#|\|\|=|&&=|^await ", re.MULTILINE
)
_TEXT_CALL = re.compile(r"""\b(?:text|hasText|t)\(\s*"([^"]+)"\s*[,)]""")
_BLANK = re.compile(r"\{\w+\}")
TEXTS = sorted(PAGE.rglob("texts/*.json"))
ENGLISH = {path.parent: json.loads(path.read_text("utf-8")) for path in TEXTS if path.stem == "en"}
LANGUAGES = sorted({path.stem for path in TEXTS})
SAME_AS_ENGLISH = {
    "de": {"Engine", "Hub", "Name", "Plugins", "Timer", "Version"},
    "es": {"General", "Hub"},
    "fr": {
        "Conversation",
        "Hub",
        "Menu",
        "Minutes",
        "Pause",
        "Satellite",
        "Score",
        "Version",
        "Volume",
        "1 satellite",
        "{number} satellites",
    },
    "it": {"1 satellite", "Backup", "Hub", "Menu", "Password", "Satellite", "Timer", "Volume"},
    "nl": {"Engine", "Hub", "Menu", "Processor", "processor", "Score", "Timer", "Timers", "Volume"},
}
"""English texts that are words of another language as well."""
_INLINE = re.compile(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_another_host(path: Path) -> None:
    assert _ELSEWHERE.findall(path.read_text("utf-8").replace(NAMESPACE, "")) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_the_syntax_of_2019(path: Path) -> None:
    assert _NEWER_THAN_2019.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", MARKUP, ids=lambda path: path.name)
def test_the_content_security_policy_refuses_nothing_of_the_page(path: Path) -> None:
    assert _INLINE.findall(path.read_text("utf-8")) == []


class NamedTexts(HTMLParser):
    """The English of a page, by the key of its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._key: str | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._key = given.get("data-text")
        for named, spoken in (("data-text-label", "aria-label"), ("data-text-placeholder", "placeholder")):
            if named in given:
                self.found[given[named]] = given[spoken]

    def handle_data(self, data: str) -> None:
        if self._key is not None:
            self.found[self._key] = data
            self._key = None


@pytest.mark.parametrize("path", MARKUP, ids=lambda path: path.name)
def test_a_page_has_the_english_of_the_texts_that_it_names(path: Path) -> None:
    known = {key: text for texts in ENGLISH.values() for key, text in texts.items()}
    named = NamedTexts(path.read_text("utf-8")).found
    assert named == {key: known.get(key) for key in named}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_name_texts_that_exist(path: Path) -> None:
    known = {key for texts in ENGLISH.values() for key in texts}
    assert set(_TEXT_CALL.findall(path.read_text("utf-8"))) <= known


@pytest.mark.parametrize("path", [path for path in SCRIPTS if "admin" in path.parts], ids=lambda path: path.name)
def test_sentences_of_the_page_of_the_house_have_their_texts(path: Path) -> None:
    sentences = re.findall(r'"([A-Z][^"\n]* [^"\n]*[.?!…])"', path.read_text("utf-8"))
    assert set(sentences) <= ENGLISH[PAGE / "admin" / "texts"].keys()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.parent.name + "-" + path.stem)
def test_every_language_has_every_text_with_the_same_blanks(path: Path) -> None:
    english, own = ENGLISH[path.parent], json.loads(path.read_text("utf-8"))
    assert list(own) == list(english)
    assert {key: _BLANK.findall(text) for key, text in own.items()} == {
        key: _BLANK.findall(text) for key, text in english.items()
    }


@pytest.mark.parametrize(
    "path", [path for path in TEXTS if path.stem != "en"], ids=lambda path: path.parent.parent.name + "-" + path.stem
)
def test_no_english_is_left_in_another_language(path: Path) -> None:
    english, own = ENGLISH[path.parent], json.loads(path.read_text("utf-8"))
    assert {text for key, text in own.items() if text == english[key]} <= SAME_AS_ENGLISH[path.stem]


@pytest.mark.parametrize("name", ["text.js", "service-worker.js"])
def test_the_scripts_know_the_languages_that_there_are(name: str) -> None:
    listed = re.search(r"LANGUAGES = (\[.*?\])", (PAGE / name).read_text("utf-8"))
    assert listed is not None
    assert sorted(json.loads(listed[1])) == LANGUAGES


def test_every_folder_of_texts_has_all_languages() -> None:
    assert [path.stem for path in TEXTS] == LANGUAGES * len(ENGLISH)
