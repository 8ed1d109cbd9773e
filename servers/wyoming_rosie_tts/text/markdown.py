"""Text as language models write it: Markdown without its marks, addresses without their tails, read as it comes."""

from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie_tts.text.script import Manner, Script, is_english, language_of
from wyoming_rosie_tts.text.segments import Piece, Wish


def read(text: str) -> list[Piece]:
    """Return what a whole text says."""
    reader = Reader()
    return reader.feed(text) + reader.finish()


class Reader:
    """Reads a text that arrives in any pieces."""

    def __init__(self, wish: Wish | None = None) -> None:
        self._prose = MarkdownStripper("Code omitted." if is_english(language_of(wish or Wish())) else "Code.")
        self._script = Script()

    def feed(self, text: str) -> list[Piece]:
        self._script.say(self._prose.feed(text), Manner())
        return self._script.take()

    def finish(self) -> list[Piece]:
        self._script.say(self._prose.finish(), Manner())
        return self._script.finish()
