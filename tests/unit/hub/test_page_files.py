"""The page's files: plain, from this host alone, and for old browsers."""

import re
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
