"""Strips Markdown from streamed text, and reduces URLs to their hosts."""

# ruff: noqa: RUF001 - the punctuation of many scripts is intended

import re
from collections import Counter
from typing import TypeAlias

MAX_LINE_CHARACTERS = 2000
"""Limit for a table row or the first line of a code block; a longer line is read as prose."""
MAX_LINK_CHARACTERS = 1000
"""Limit for a link with its text, and for a URL."""
_MAX_PREFIX_CHARACTERS = 200

_Step: TypeAlias = tuple[str, int]
"""Plain text, and the position after its source."""

_HEAD = re.compile(r"[-*_=+#>~`|•\[\]xX \t\r]*")
_WHOLE_LINE = re.compile(r"[ \t]*(?:\||```|~~~)")
_RULE = re.compile(r"[ \t]*(?:([-*_])[ \t]*(?:\1[ \t]*){2,}|={3,})[ \t\r]*(?=\n|\Z)")
_PREFIX = re.compile(
    r"[ \t]*(?P<quote>(?:>(?!\s*\d)[ \t]*)*)"
    r"(?:(?P<heading>#{1,6}[ \t]+)|(?P<item>(?:[*•][ \t]+|[-+][ \t]++(?!\d))(?:\[[ xX]\][ \t]+)?))?"
)
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")
_ROW = re.compile(r"\|.*\|")
_CELL_END = re.compile(r"(?<!\\)\|")
_RULED_CELL = re.compile(r"\s*:?-+:?\s*")
_LINE_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)

_TOKEN = re.compile(
    r"(?P<line>\n)"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<code>`+)"
    r"|(?P<link>!?\[)"
    r"|(?P<marks>\*+|_+|~~+)"
    rf"|(?P<address>(?<!\w)<?(?:https?://|www\.)[^\s<>`*\"\]|]{{1,{MAX_LINK_CHARACTERS}}}>?)"
    r"|(?P<unsure>(?<!\w)<?(?:h|ht|htt|https?|https?:|https?:/|https?://|w|ww|www|www\.)\Z|[!\\~<]\Z)"
    r"|(?P<plain>[^\n\\`!\[*_~hw<]+|.)",
    re.DOTALL,
)
_LINK = re.compile(
    r"!?\[(?P<label>[^\[\]\n]*)\]"
    r"(?P<target>\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:[ ]+\"[^()\"\n]*\")?\)|\[[^\[\]\n]*\])?"
)
_LINK_PREFIX = re.compile(r"!?\[[^\[\]\n]*(?:\](?:\([^()\n]*(?:\([^()\n]*(?:\)[^()\n]*)?)*|\[[^\[\]\n]*)?)?\Z")
_ADDRESS = re.compile(r"(?<!\w)<?(?:https?://|www\.)[^\s<>`*\"\]|]+>?")
_HOST = re.compile(r"<?(?:https?://)?(?:[^/@]*@)?(?:www\.)?([\w-]+(?:\.[\w-]+)*)")
_TRAILING_PUNCTUATION = re.compile(r"[.,;:!?)}'’”»]*\Z")
_MARKS = re.compile(r"[*`]+|~~+|(?<!\w)_+|_+(?!\w)")


class MarkdownStripper:
    """Strips Markdown from a text as it arrives. `code` replaces code blocks.

    What need not be Markdown is kept: 2 * 3, snake_case, C#, 5*.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._text = "\n"  # the unprocessed text, and the character before it
        self._open: Counter[str] = Counter()  # emphasis marks
        self._fence = ""
        self._line_end = "\n"

    def feed(self, text: str) -> str:
        self._text += text
        return self._strip(at_end=False)

    def finish(self) -> str:
        return self._strip(at_end=True)

    def _strip(self, *, at_end: bool) -> str:
        output = []
        at = 1
        while at < len(self._text) and (step := self._next_step(at, at_end=at_end)) is not None:
            plain, at = step
            output.append(plain)
        self._text = self._text[at - 1 :]
        return "".join(output)

    def _next_step(self, at: int, *, at_end: bool) -> _Step | None:
        """Return the next step, or None if more text is needed."""
        if self._fence:
            return self._skip_code_line(at, at_end=at_end)
        if self._text[at - 1] == "\n":
            return self._read_line_start(at, at_end=at_end)
        return self._read_inline(at, at_end=at_end)

    def _skip_code_line(self, at: int, *, at_end: bool) -> _Step | None:
        end = self._text.find("\n", at)
        if end < 0 and not at_end:
            return None
        line = self._text[at : end if end >= 0 else len(self._text)].strip()
        if line.startswith(self._fence) and not line.strip(self._fence[0]):
            self._fence = ""
        return "", end + 1 if end >= 0 else len(self._text)

    def _read_line_start(self, at: int, *, at_end: bool) -> _Step | None:
        if self._text[at] == "\n":
            return self._end_line(at), at + 1
        limit = at + _MAX_PREFIX_CHARACTERS
        head = _HEAD.match(self._text, at, limit)
        if head and head.end() == len(self._text) < limit and not at_end:
            return None
        if rule := _RULE.match(self._text, at, limit):
            return "\n\n", rule.end()
        if _WHOLE_LINE.match(self._text, at):
            return self._read_line(at, at_end=at_end)
        return self._read_prefix(at) or self._read_inline(at, at_end=at_end)

    def _read_line(self, at: int, *, at_end: bool) -> _Step | None:
        limit = at + MAX_LINE_CHARACTERS
        end = self._text.find("\n", at, limit)
        if end < 0 and not at_end and len(self._text) < limit:
            return None
        end = end if end >= 0 else min(len(self._text), limit)
        line = self._text[at:end].strip()
        if fence := _FENCE.fullmatch(line):
            self._fence = fence[1]
            return f"\n\n{self._code}\n\n", min(end + 1, len(self._text))
        return (f"\n\n{_format_row(line)}", end) if _ROW.fullmatch(line) else self._read_inline(at, at_end=at_end)

    def _read_prefix(self, at: int) -> _Step | None:
        """Skip the marks of a heading, a list item or a quotation."""
        found = _PREFIX.match(self._text, at)
        if found is None or not found[0].strip():
            return None
        if found["heading"]:
            self._line_end = "\n\n"
        return "\n\n" if found["heading"] or found["item"] else "", found.end()

    def _read_inline(self, at: int, *, at_end: bool) -> _Step | None:
        found = _TOKEN.match(self._text, at)
        assert found, "the last alternative takes any character"
        if found.end() == len(self._text) and found.lastgroup not in ("plain", "line") and not at_end:
            return None
        match found.lastgroup:
            case "line":
                return self._end_line(at), found.end()
            case "escape":
                return "" if found[0][1] in "()[]" else found[0][1], found.end()
            case "code":
                return "", found.end()
            case "link":
                return self._read_link(at, at_end=at_end)
            case "marks":
                return self._read_emphasis(found), found.end()
            case "address":
                return _get_host(found), found.end()
            case _:
                return found[0], found.end()

    def _end_line(self, at: int) -> str:
        if self._text[at - 1] == "\n":
            self._open.clear()
        ended, self._line_end = self._line_end, "\n"
        return ended

    def _read_emphasis(self, marks: re.Match[str]) -> str:
        """Skip marks that open or close emphasis; keep those that stand alone or inside a word."""
        mark, count = marks[0][0], len(marks[0])
        before, after = self._text[marks.start() - 1], self._text[marks.end() : marks.end() + 1] or " "
        if self._open[mark] and not before.isspace() and not (mark == "_" and after.isalnum()):
            self._open[mark] = max(0, self._open[mark] - count)
            return ""
        # Emphasis may begin inside a word in scripts without spaces.
        if after.isspace() or (before.isalnum() and (mark == "_" or before.isascii())):
            return marks[0]
        self._open[mark] += count
        return ""

    def _read_link(self, at: int, *, at_end: bool) -> _Step | None:
        limit = at + MAX_LINK_CHARACTERS
        if not at_end and len(self._text) < limit and _LINK_PREFIX.match(self._text, at):
            return None
        found = _LINK.match(self._text, at, limit)
        if found and found["target"]:
            return _strip_markup(found["label"]), found.end()
        if found and found["label"].startswith("^"):
            is_definition = self._text[at - 1] == "\n" and self._text.startswith(":", found.end())
            return "", found.end() + is_definition
        bracket = self._text.index("[", at) + 1
        return self._text[at:bracket], bracket


def _format_row(line: str) -> str:
    """Return the cells of a table row, separated by commas; nothing for the line below the header."""
    cells = _CELL_END.split(line.strip("|"))
    if all(_RULED_CELL.fullmatch(cell) for cell in cells):
        return ""
    plain = (_strip_markup(_LINE_BREAK.sub(", ", cell)).replace("\\|", "|").strip() for cell in cells)
    return ", ".join(cell for cell in plain if cell)


def _strip_markup(text: str) -> str:
    """Return a link's text or a table cell without marks."""
    text = _LINK.sub(lambda link: link["label"] if link["target"] else link[0], text)
    return _MARKS.sub("", _ADDRESS.sub(_get_host, text))


def _get_host(address: re.Match[str]) -> str:
    """Return the host of a URL, and the punctuation after the URL that belongs to the sentence."""
    host = _HOST.match(address[0])
    last = _TRAILING_PUNCTUATION.search(address[0])
    return host[1] + (last[0] if last else "") if host else address[0]
