"""Text of HTML pages: headings and paragraphs, without scripts, menus and forms."""

from collections.abc import Sequence
from html.parser import HTMLParser

from wyoming_rosie.text.documents.sections import MAX_HEADING_CHARACTERS, DocumentSection

_IGNORED = frozenset({"script", "style", "template", "noscript", "nav", "header", "footer", "form", "button", "svg"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_BLOCKS = frozenset(
    {"p", "div", "li", "tr", "table", "section", "article", "blockquote", "pre", "ul", "ol", "dt", "dd"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def extract_html(page: str) -> Sequence[DocumentSection]:
    """Return the sections of a page; broken markup is read as far as it goes."""
    reader = _PageReader()
    reader.feed(page)
    reader.close()
    reader.end_section()
    return reader.sections


class _PageReader(HTMLParser):
    """Collects text under the headings that precede it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections: list[DocumentSection] = []
        self._headings: dict[int, str] = {}
        self._text: list[str] = []
        self._heading: list[str] | None = None
        self._ignored = 0  # elements around the text that are ignored

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _IGNORED:
            self._ignored += 1
        elif tag in _HEADINGS:
            self.end_section()
            self._heading = []
        elif tag in _BLOCKS or tag in _VOID:
            self._text.append("\n\n" if tag in _BLOCKS else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _IGNORED:
            self._ignored = max(0, self._ignored - 1)
        elif tag in _HEADINGS and self._heading is not None:
            self._end_heading(_HEADINGS[tag])
        elif tag in _BLOCKS:
            self._text.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._ignored:
            (self._text if self._heading is None else self._heading).append(data)

    def end_section(self) -> None:
        """Add what was read under the present headings."""
        text = "".join(self._text).strip()
        self._text = []
        if text:
            self.sections.append(
                DocumentSection(" > ".join(self._headings[level] for level in sorted(self._headings)), text)
            )

    def _end_heading(self, level: int) -> None:
        title = " ".join("".join(self._heading or ()).split())[:MAX_HEADING_CHARACTERS]
        self._heading = None
        self._headings = {known: heading for known, heading in self._headings.items() if known < level}
        if title:
            self._headings[level] = title
