"""Pictures in the documentation: scripts/screens makes each, a page shows it, and it fetches nothing."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 50_000


def test_the_script_makes_each_picture_and_a_page_shows_it() -> None:
    made = set(re.findall(r'Screen\(\s*"([\w-]+)"', (ROOT / "scripts" / "screens.py").read_text("utf-8")))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    shown = {
        name for page in pages for name in re.findall(r"!\[.*?\]\(.*?images/([\w-]+)\.svg\)", page.read_text("utf-8"))
    }
    assert made == {image.stem for image in IMAGES.iterdir()} == shown


def test_pictures_are_small_and_fetch_nothing() -> None:
    for image in IMAGES.iterdir():
        assert image.stat().st_size < MAX_BYTES
        text = image.read_text("utf-8")
        assert set(re.findall(r"https?://[\w./-]+", text)) == {"http://www.w3.org/2000/svg"}
        assert "url(" not in re.sub(r"url\(#", "", text)
