"""Text as language models write it: Markdown without its marks, addresses without their tails, read as it comes."""

from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie_tts.text.segment_builder import SegmentBuilder, SpeechStyle, is_english, requested_language
from wyoming_rosie_tts.text.segments import Segment, VoiceRequest


def parse(text: str) -> list[Segment]:
    """Return what a whole text says."""
    parser = MarkdownParser()
    return parser.feed(text) + parser.finish()


class MarkdownParser:
    """Reads a text that arrives in any pieces."""

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
