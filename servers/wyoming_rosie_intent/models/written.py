"""What a model writes that nobody is meant to hear: its thoughts, and tool calls as text instead of calls."""

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias
from uuid import uuid4

from wyoming_rosie_intent.models.model import Done, Piece, Text, ToolCall

LONGEST_JSON = 8000
"""Characters of what may be a call; what is longer is read as text."""

_THOUGHTS = "think|thinking|thoughts?|reasoning"
_CALLS = "tool_calls?|function_calls?"
_OPENING = re.compile(
    rf"<(?P<thought>{_THOUGHTS})>|</(?:{_THOUGHTS}|{_CALLS})>"
    rf"|<\|?(?P<call>{_CALLS})\|?>|(?P<rest>\[TOOL_CALLS\]|<\|python_tag\|>)"
    r"|(?<=\n)[ \t]*(?:(?P<fence>```)\w*[ \t]*\n|(?P<json>[{\[](?=\s*[\"{])))"
)
_MAYBE_OPENING = re.compile(
    r"(?:<[/|]?[a-z_]{0,14}\|?|\[[A-Z_]{0,11}|(?<=\n)[ \t]*(?:`{1,3}\w{0,12}[ \t]*|[{\[]\s*))\Z"
)
_CLOSING = {
    "thought": re.compile(rf"</(?:{_THOUGHTS})>"),
    "call": re.compile(rf"<\|?/(?:{_CALLS})\|?>"),
    "fence": re.compile(r"```"),
    "rest": re.compile(r"(?!)"),
}
_LONGEST_MARK = 20
_Step: TypeAlias = tuple[str, int]
"""What is meant to be heard, and where the text goes on behind it."""
_JSON = json.JSONDecoder()


async def heard(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield an answer without the model's thoughts, and with the calls that it wrote as calls."""
    written = Written()
    async with aclosing(pieces):
        async for piece in pieces:
            text = written.feed(piece.text) if isinstance(piece, Text) else ""
            if isinstance(piece, Done):
                text = written.finish()
            if text:
                yield Text(text)
            if isinstance(piece, Done):
                for call in written.calls:
                    yield call
            if not isinstance(piece, Text):
                yield piece


class Written:
    """Takes a model's text in any pieces and gives back what is meant to be heard; `calls` are those it wrote."""

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []
        self._text = "\n"  # what is not decided yet, behind the one character before it
        self._block: str | None = None  # what kind of block the text is in

    def feed(self, text: str) -> str:
        self._text += text
        return self._take(at_end=False)

    def finish(self) -> str:
        """Return what is left; a block that is open ends here."""
        return self._take(at_end=True)

    def _take(self, *, at_end: bool) -> str:
        said = []
        while len(self._text) > 1 and (step := self._step(at_end=at_end)) is not None:
            words, at = step
            said.append(words)
            self._text = self._text[at - 1 :]
        return "".join(said)

    def _step(self, *, at_end: bool) -> _Step | None:
        """Return what comes next, or None when that is not known yet."""
        if self._block is None:
            return self._plain(at_end=at_end)
        return self._json(at_end=at_end) if self._block == "json" else self._marked(self._block, at_end=at_end)

    def _plain(self, *, at_end: bool) -> _Step | None:
        found = _OPENING.search(self._text, 1)
        if found is None:
            maybe = None if at_end else _MAYBE_OPENING.search(self._text, 1)
            end = maybe.start() if maybe else len(self._text)
            return (self._text[1:end], end) if end > 1 else None
        self._block = found.lastgroup
        return self._text[1 : found.start()], found.start() if found["json"] else found.end()

    def _marked(self, kind: str, *, at_end: bool) -> _Step | None:
        closing = _CLOSING[kind].search(self._text, 1)
        if closing is None and not at_end:
            kept = _LONGEST_MARK if kind == "thought" else len(self._text)
            return ("", len(self._text) - kept) if len(self._text) > kept + 1 else None
        if kind != "thought":
            self.calls.extend(_calls_in(self._text[1 : closing.start() if closing else None]))
        self._block = None
        return "", closing.end() if closing else len(self._text)

    def _json(self, *, at_end: bool) -> _Step | None:
        begin = len(self._text) - len(self._text[1:].lstrip())
        try:
            value, end = _JSON.raw_decode(self._text, begin)
        except (ValueError, RecursionError):
            return self._unreadable(begin, at_end=at_end)
        self._block = None
        calls = _calls(value)
        self.calls.extend(calls)
        return "" if calls else self._text[1:end], end

    def _unreadable(self, begin: int, *, at_end: bool) -> _Step | None:
        """Wait for the rest of what may be a call; half a call is not heard."""
        if not at_end and len(self._text) < LONGEST_JSON:
            return None
        self._block = None
        if at_end and '"name"' in self._text:
            return "", len(self._text)
        return self._text[1 : begin + 1], begin + 1


def _calls_in(text: str) -> Iterator[ToolCall]:
    """Yield the calls that stand one after the other, up to what is none."""
    while text := text.strip():
        try:
            value, end = _JSON.raw_decode(text)
        except (ValueError, RecursionError):
            return
        yield from _calls(value)
        text = text[end:]


def _calls(value: Any) -> list[ToolCall]:
    """Return what JSON calls; nothing when any of it is no call."""
    calls = [_call(one) for one in (value if isinstance(value, list) else [value])]
    return [call for call in calls if call] if all(calls) else []


def _call(value: Any) -> ToolCall | None:
    made = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(made, Mapping) or not isinstance(name := made.get("name"), str):
        return None
    arguments = made.get("arguments", made.get("parameters"))
    return ToolCall(f"call_{uuid4().hex[:12]}", name, arguments) if isinstance(arguments, Mapping) else None
