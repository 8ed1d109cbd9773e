"""Pictures in the documentation: a script makes each, a page shows it, it is small, and it fetches nothing."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "docs" / "images"
MAX_BYTES = {".svg": 50_000, ".png": 100_000}


def made_by(script: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / "scripts" / script).read_text("utf-8")))


def test_a_script_makes_each_picture_and_a_page_shows_it() -> None:
    terminals = {f"{name}.svg" for name in made_by("screens.py", r'Screen\(\s*"([\w-]+)"')}
    pages_of_home_assistant = made_by("home_assistant_pictures.py", r'\.take\(\s*"([\w-]+)"')
    in_docs = made_by("page_pictures.py", r"IN_DOCS = \{([^}]*)\}")
    pages_of_the_hub = {f"{name}.png" for listed in in_docs for name in re.findall(r'"([\w-]+)":', listed)}
    made = terminals | {f"home-assistant-{name}.png" for name in pages_of_home_assistant} | pages_of_the_hub
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    shown = {
        name for page in pages for name in re.findall(r"!\[.*?\]\(.*?images/([\w-]+\.\w+)\)", page.read_text("utf-8"))
    }
    assert made == {image.name for image in IMAGES.iterdir()} == shown


def test_pictures_are_small_and_fetch_nothing() -> None:
    for image in IMAGES.iterdir():
        assert image.stat().st_size < MAX_BYTES[image.suffix]
    for image in IMAGES.glob("*.svg"):
        text = image.read_text("utf-8")
        assert set(re.findall(r"https?://[\w./-]+", text)) == {"http://www.w3.org/2000/svg"}
        assert "url(" not in re.sub(r"url\(#", "", text)
