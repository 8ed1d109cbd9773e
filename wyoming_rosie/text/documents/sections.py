"""Sections of documents: text and Markdown split at headings, paragraphs and sentences. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_PART_CHARACTERS = 800
"""Of one part: as much as a small embedding model reads at once."""
MAX_HEADING_CHARACTERS = 120
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*")
_UNDERLINE = re.compile(r"(=+|-+)\s*")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])")  # noqa: RUF001 - of Chinese and Japanese
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True)
class DocumentSection:
    """Text under a heading, which is that of the chapters around it as well: "Boiler > Water"."""

    heading: str
    text: str = field(repr=False)


def split_markdown(text: str) -> Iterator[DocumentSection]:
    """Yield the sections of a Markdown document; what is in a fenced block is never a heading."""
    headings: dict[int, str] = {}
    lines: list[str] = []
    fence = ""
    for line in _FRONT_MATTER.sub("", text.replace("\r\n", "\n")).split("\n"):
        fence = _next_fence(line, fence)
        level, title = (0, "") if fence else _parse_heading(line, lines)
        if not level:
            lines.append(line)
            continue
        yield from _create_section(headings, lines)
        headings = {known: heading for known, heading in headings.items() if known < level} | {level: title}
        lines = []
    yield from _create_section(headings, lines)


def split_parts(sections: Iterable[DocumentSection], most: int = MAX_PART_CHARACTERS) -> Iterator[DocumentSection]:
    """Yield the sections in parts of at most `most` characters, split between paragraphs, else sentences, else words."""
    for section in sections:
        part = ""
        for piece in _split_pieces(section.text, most):
            if part and len(part) + len(piece) + 1 > most:
                yield DocumentSection(section.heading, part)
                part = ""
            part = f"{part}\n{piece}" if part else piece
        if part:
            yield DocumentSection(section.heading, part)


def _next_fence(line: str, fence: str) -> str:
    """Return the fence of the block that a line is in, or ends; empty outside of blocks."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    return "" if fence and found[1].startswith(fence) else fence or found[1]


def _parse_heading(line: str, before: list[str]) -> tuple[int, str]:
    """Return level and title of a heading, 0 for other lines; one that is underlined is taken from the lines before."""
    if found := _HEADING.fullmatch(line):
        return len(found[1]), found[2][:MAX_HEADING_CHARACTERS]
    is_underlined = bool(before and before[-1].strip()) and (len(before) == 1 or not before[-2].strip())
    if is_underlined and len(line) > 1 and (found := _UNDERLINE.fullmatch(line)):
        return 1 if found[1][0] == "=" else 2, before.pop().strip()[:MAX_HEADING_CHARACTERS]
    return 0, ""


def _create_section(headings: dict[int, str], lines: list[str]) -> Iterator[DocumentSection]:
    text = "\n".join(lines).strip()
    if text:
        yield DocumentSection(" > ".join(headings[level] for level in sorted(headings)), text)


def _split_pieces(text: str, most: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        plain = " ".join(paragraph.split())
        if len(plain) <= most:
            yield from filter(None, (plain,))
            continue
        for sentence in _SENTENCE_END.split(plain):
            yield from _split_words(sentence, most)


def _split_words(sentence: str, most: int) -> Iterator[str]:
    while len(sentence) > most:
        end = sentence.rfind(" ", most // 2, most)
        end = most if end < 0 else end
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    if sentence:
        yield sentence
