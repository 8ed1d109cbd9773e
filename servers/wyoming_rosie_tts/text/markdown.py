"""Parser of plain text and of the Markdown that language models write."""

from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie_tts.text.segment_builder import SegmentBuilder, SpeechStyle, is_english, requested_language
from wyoming_rosie_tts.text.segments import Segment, VoiceRequest


def parse(text: str) -> list[Segment]:
    """Return the segments of a whole text."""
    parser = MarkdownParser()
    return parser.feed(text) + parser.finish()


class MarkdownParser:
    """Parses text as it arrives, and leaves out Markdown's marks and the paths of URLs."""

    def __init__(self, request: VoiceRequest | None = None) -> None:
        self._stripper = MarkdownStripper(
            "Code omitted." if is_english(requested_language(request or VoiceRequest())) else "Code."
        )
        self._builder = SegmentBuilder()

    def feed(self, text: str) -> list[Segment]:
        self._builder.add_text(self._stripper.feed(text), SpeechStyle())
        return self._builder.take_ready()

    def finish(self) -> list[Segment]:
        self._builder.add_text(self._stripper.finish(), SpeechStyle())
        return self._builder.finish()
