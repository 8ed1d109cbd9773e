"""What a model writes that nobody is meant to hear: its thoughts, tool calls as text, and the marks of its template.

A text is prose up to where one of the forms in `_FORMS` opens; what a form opens is taken whole and never heard.
"""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto

from wyoming_rosie_intent.llm.model import Again, Done, Piece, Text, ToolCall
from wyoming_rosie_intent.llm.textual_calls import LONGEST_CALL, called, calls_in, end_of

FIRST_CHARACTERS = 200
"""Of a model's first answer, which are heard only when they may no longer be thoughts without an opening."""


class Kind(Enum):
    """What a block of control text is."""

    THOUGHT = auto()
    CALL = auto()
    HEADER = auto()  # of a message in OpenAI's Harmony format, which says what the message is
    DROPPED = auto()
    THOUGHT_ENDS = auto()  # a block of one mark: what stands before it was a thought


@dataclass(frozen=True)
class _Block:
    kind: Kind
    closing: re.Pattern[str] | None = None  # None for a mark that stands for itself


@dataclass(frozen=True)
class _Form:
    """A way to open a block. A text that fits `maybe` to its end may become one that fits `opening`."""

    opening: re.Pattern[str]
    maybe: re.Pattern[str]
    block: Callable[[re.Match[str]], _Block]
    begins_a_line: bool = False


_THOUGHT = re.compile(
    r"(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|monologue|analysis)", re.I
)
_RESULT = re.compile(r"response|result|output|observation|available|tools\b|definitions", re.I)
_CALL = re.compile(r"tool|function|invoke|action|plugin|call\b", re.I)
_ENDS = r"<[|\uff5c](?:[^<>|\uff5c\n]{0,30}(?:end|END|/)[^<>|\uff5c\n]{0,30}|call|return|eom_id|eot_id)[|\uff5c]>|</s>"
_SPECIAL_ENDS = re.compile(_ENDS)
_MESSAGE = re.compile(r"<\|message\|>")
_MESSAGE_ENDS = re.compile(rf"{_ENDS}|(?=<\|(?:start|channel)\|>)")
_NEXT_LABEL = re.compile(r"\n(?=[*\s]{0,9}(?:Action|Final Answer)[*]{0,2}:)")
_LAST_LABEL = re.compile(r"\n(?=[*\s]{0,9}Final Answer[*]{0,2}:)")
_LONGEST_CLOSING = 80


def _tag(found: re.Match[str]) -> _Block:
    """Tell what an XML tag opens; one of any other name is only left out."""
    name = found["tag"]
    closing = re.compile(rf"<\|?/\|?{re.escape(name)}\|?\s{{0,3}}>|{_ENDS}")
    if _THOUGHT.fullmatch(name):
        return _Block(Kind.THOUGHT_ENDS if found["slash"] else Kind.THOUGHT, closing)
    if found["slash"] or found["empty"] or not _CALL.search(name):
        return _Block(Kind.DROPPED)
    return _Block(Kind.DROPPED if _RESULT.search(name) else Kind.CALL, closing)


def _special(found: re.Match[str]) -> _Block:
    """Tell what a special token opens, such as <|channel|>; some models use wide signs."""
    name = found["special"].replace("\u2581", "_").strip("_")
    ends = name.startswith("/") or "end" in name.casefold()
    if _THOUGHT.search(name):
        return _Block(Kind.THOUGHT_ENDS if ends else Kind.THOUGHT, _SPECIAL_ENDS)
    if name in {"start", "channel"}:
        return _Block(Kind.HEADER, _MESSAGE)
    if name in {"im_start", "start_header_id", "start_of_role"}:
        return _Block(Kind.DROPPED, re.compile(r"\n|(?=<)"))
    if ends or name == "call" or not (_CALL.search(name) or name == "python_tag"):
        return _Block(Kind.DROPPED)
    return _Block(Kind.DROPPED if _RESULT.search(name) else Kind.CALL, _SPECIAL_ENDS)


def _mark(found: re.Match[str]) -> _Block:
    """Tell what a token in square brackets opens, such as [TOOL_CALLS]."""
    name = found["mark"]
    if name == "THINK":
        return _Block(Kind.THOUGHT_ENDS if found["slash"] else Kind.THOUGHT, re.compile(r"\[/THINK\]"))
    if found["slash"] or "TOOL" not in name:
        return _Block(Kind.DROPPED)
    closing = re.compile(rf"\[/{name}\]|</s>")
    return _Block(Kind.CALL if "CALL" in name else Kind.DROPPED, closing)


def _label(found: re.Match[str]) -> _Block:
    """Tell what a line of ReAct opens."""
    match found["label"]:
        case "Thought":
            return _Block(Kind.THOUGHT, _NEXT_LABEL)
        case "Observation":
            return _Block(Kind.DROPPED, _LAST_LABEL)
        case _:
            return _Block(Kind.DROPPED)


_FORMS = (
    _Form(  # <think>, </tool_call>, <function=f>, <invoke name="f">
        re.compile(
            r"<(?P<slash>/?)(?P<tag>[A-Za-z_][\w:.-]{0,60})(?=[^<>]{0,150}>)"
            r"(?:\s*=\s*[^<>\s]*|\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*(?P<empty>/?)>"
        ),
        re.compile(r"</?(?:[A-Za-z_][\w:.-]{0,60}(?:[\s=/][^<>]{0,149})?)?"),
        _tag,
    ),
    _Form(  # <|channel|>
        re.compile(r"<[|\uff5c](?P<special>[^<>|\uff5c\n]{1,60})[|\uff5c]>"),
        re.compile(r"<(?:[|\uff5c][^<>|\uff5c\n]{0,60}[|\uff5c]?)?"),
        _special,
    ),
    _Form(  # [TOOL_CALLS], [THINK]
        re.compile(
            r"\[(?P<slash>/?)(?P<mark>THINK|INST|TOOL_CALLS?|TOOL_RESULTS?|TOOL_CONTENT|AVAILABLE_TOOLS|SYSTEM_PROMPT)\]"
        ),
        re.compile(r"\[/?[A-Z_]{0,15}"),
        _mark,
    ),
    _Form(  # of Kimi
        re.compile(r"\u25c1(?P<slash>/?)think\u25b7"),
        re.compile(r"\u25c1/?t?h?i?n?k?"),
        lambda found: _Block(Kind.THOUGHT_ENDS if found["slash"] else Kind.THOUGHT, re.compile("\u25c1/think\u25b7")),
    ),
    _Form(  # HassTurnOn[ARGS]
        re.compile(r"[\w.-]{1,80}\[ARGS\]"),
        re.compile(r"[\w.-]{1,80}(?:\[A?R?G?S?)?"),
        lambda _: _Block(Kind.CALL, re.compile("</s>")),
    ),
    _Form(re.compile(r"```"), re.compile(r"`{1,2}"), lambda _: _Block(Kind.CALL, re.compile(r"```"))),
    _Form(  # of ReAct
        re.compile(r"(?P<label>Thought|Observation|Final Answer)\**:\**"),
        re.compile(r"(?:Thought|Observation|Final(?: A?n?s?w?e?r?)?)\**:?|[A-Z]\w{0,10}"),
        _label,
        begins_a_line=True,
    ),
    _Form(
        re.compile(r"Action\**:\**[ \t]*(?:(?=[`{\[])|[\w.-]{1,80}[ \t]*[\n(])"),
        re.compile(r"Action\**(?::\**[ \t]*(?:[\w.-]{1,80}[ \t]*)?)?|[A-Z]\w{0,10}"),
        lambda _: _Block(Kind.CALL, _LAST_LABEL),
        begins_a_line=True,
    ),
)
_TRIGGER = re.compile(r"[<\[{`\u25c1\n]|\b(?:Thought|Observation|Final|Action)\b|[\w.-]{1,80}(?=[(\[]|\Z)")
_JSON = re.compile(r"\{\s*(?:[\"'{}]|\w+\s*:\s*[\"'{\[\d])|\[\s*(?:[\"{]|(?P<call>[\w.]{1,80}\())")
_MAYBE_JSON = re.compile(r"\{\s*(?:\w+\s*(?::\s*)?)?|\[\s*[\w.]{0,80}")
_PYTHON = re.compile(r"(?P<call>[\w.]{1,80}\()\s*(?:\)|(?P<named>\w+\s*=(?!=))|[\"'{\[]|[\w.]{1,80}\()")
_MAYBE_PYTHON = re.compile(r"[\w.]{1,80}(?:\(\s*(?:[\w.]{0,80}|\w+\s*=?))?")
_REST_OF_LINE = re.compile(r"[ \t`*.;,]*")
_BLANK_LINE = re.compile(r"\n\s{0,20}\n")


class Habit:
    """Whether a model writes its thoughts without an opening; None until that is known."""

    def __init__(self, *, thinks_first: bool | None = None) -> None:
        self.thinks_first = thinks_first


async def heard(
    pieces: AsyncGenerator[Piece, None], tools: Collection[str] = (), habit: Habit | None = None
) -> AsyncGenerator[Piece | Again, None]:
    """Yield an answer without the model's thoughts, and with the calls of these tools that it wrote as calls.

    `Again` makes void what was said so far: it turned out to be a thought.
    """
    written, beginning = Written(tools), _Beginning(habit or Habit())
    async with aclosing(pieces):
        async for piece in pieces:
            match piece:
                case Text():
                    for one in beginning.hear(written.feed(piece.text)):
                        yield one
                case Done():
                    for one in (*beginning.hear(written.finish()), *beginning.finish()):
                        yield one
                    for call in written.calls:
                        yield call
                    yield piece
                case ToolCall():
                    yield piece


class _Beginning:
    """Keeps the beginning of an answer back while it may be a thought that had no opening."""

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self._is_open = habit.thinks_first is False
        self._held = ""
        self._said = False

    def hear(self, given: Iterable[Text | Again]) -> Iterator[Text | Again]:
        for one in given:
            if isinstance(one, Again):
                self._habit.thinks_first, self._is_open, self._held = True, True, ""
                if self._said:
                    yield one
                self._said = False
            elif self._is_open:
                self._said = True
                yield one
            else:
                self._held += one.text
                if self._habit.thinks_first is None and len(self._held) >= FIRST_CHARACTERS:
                    yield from self._open()

    def finish(self) -> Iterator[Text | Again]:
        """Yield what is left; the model thought nothing without an opening, this time at least."""
        if self._held or not self._is_open:
            self._habit.thinks_first = None if self._habit.thinks_first or not self._held else False
            yield from self._open()

    def _open(self) -> Iterator[Text]:
        self._is_open, held, self._held = True, self._held, ""
        self._said = self._said or bool(held)
        if held:
            yield Text(held)


class Written:
    """Takes a model's text in any pieces and gives back what is meant to be heard; `calls` are those it wrote."""

    def __init__(self, tools: Collection[str] = ()) -> None:
        self.calls: list[ToolCall] = []
        self._tools = frozenset(tools)
        self._text = ""  # what is not decided yet
        self._begun = False  # whether something was said in this line
        self._block: _Block | None = None
        self._body = ""  # of the block, as far as it is not in the text
        self._has_thought = False

    def feed(self, text: str) -> list[Text | Again]:
        self._text += text
        return self._take(at_end=False)

    def finish(self) -> list[Text | Again]:
        """Return what is left; a block that is open ends here."""
        return self._take(at_end=True)

    def _take(self, *, at_end: bool) -> list[Text | Again]:
        given: list[Text | Again] = []
        while self._text or (self._block and at_end):
            said = self._in_block(self._block, at_end=at_end) if self._block else self._plain(at_end=at_end)
            if said is None:
                break
            if isinstance(said, Again) or said.text:
                given.append(said)
        return given

    def _plain(self, *, at_end: bool) -> Text | Again | None:
        """Take the next of what is in no block; None when more must be known first."""
        found = _TRIGGER.search(self._text)
        begin = found.start() if found else len(self._text)
        if found is None or begin or found[0] == "\n":
            return self._say(begin or 1)
        for form in _FORMS:
            if form.begins_a_line and self._begun:
                continue
            if opening := form.opening.match(self._text):
                return self._opened(form.block(opening), opening)
            if not at_end and form.maybe.fullmatch(self._text):
                return None
        return self._bracketed(found, at_end=at_end)

    def _say(self, end: int) -> Text:
        said, self._text = self._text[:end], self._text[end:]
        line = said.rpartition("\n")
        self._begun = any(map(str.isalnum, line[2])) or (self._begun and not line[1])
        return Text(said)

    def _opened(self, block: _Block, opening: re.Match[str]) -> Text | Again:
        self._text = self._text[opening.end() :]
        if block.kind is Kind.THOUGHT_ENDS:
            is_first, self._has_thought, self._begun = not self._has_thought, True, False
            return Again() if is_first else Text("")
        if block.closing is not None:
            self._block, self._body = block, opening[0]
        return Text("")

    def _in_block(self, block: _Block, *, at_end: bool) -> Text | None:
        """Take what belongs to the block; None when it goes on."""
        assert block.closing is not None
        closing = block.closing.search(self._text)
        if closing is None and not at_end:
            self._keep(max(0, len(self._text) - _LONGEST_CLOSING))
            return None
        self._keep(closing.start() if closing else len(self._text))
        self._text = self._text[closing.end() - closing.start() :] if closing else ""
        self._block = self._closed(block.kind) if closing or block.kind is not Kind.HEADER else None
        return Text("")

    def _keep(self, end: int) -> None:
        self._body = (self._body + self._text[:end])[: 2 * LONGEST_CALL]
        self._text = self._text[end:]

    def _closed(self, kind: Kind) -> _Block | None:
        """Do what a block comes to, and return the block that follows at once."""
        match kind:
            case Kind.THOUGHT:
                self._has_thought = True
            case Kind.CALL:
                self.calls.extend(calls_in(self._body, self._tools))
            case Kind.HEADER if "analysis" in self._body:
                return _Block(Kind.THOUGHT, _MESSAGE_ENDS)
            case Kind.HEADER if "to=" in self._body:
                return _Block(Kind.CALL, _MESSAGE_ENDS)
        return None

    def _bracketed(self, found: re.Match[str], *, at_end: bool) -> Text | None:
        """Take JSON, or a call in Python; else the one sign or word that was none."""
        is_data = found[0] in {"{", "["}
        opening = (_JSON if is_data else _PYTHON).match(self._text)
        if opening is None:
            maybe = _MAYBE_JSON if is_data else _MAYBE_PYTHON
            return None if not at_end and maybe.fullmatch(self._text) else self._say(found.end())
        end = end_of(self._text[:LONGEST_CALL], 0 if is_data else found.end())
        if end is None:
            return self._unended(opening, is_data=is_data, at_end=at_end)
        rest = _REST_OF_LINE.match(self._text, end)
        assert rest
        if rest.end() == len(self._text) and not at_end:
            return None
        follows = self._text[rest.end() : rest.end() + 1] in {"", "\n", "{", "[", "<"}
        return self._called(opening, end, is_alone=follows if is_data else follows and not self._begun)

    def _called(self, opening: re.Match[str], end: int, *, is_alone: bool) -> Text:
        """Do what JSON or Python calls, if no sentence goes on around it; neither is heard."""
        text = self._text[:end]
        if opening["call"] and not called(text, self._tools)[1] and not calls_in(text, self._tools):
            return self._say(len(opening["call"]) if text[0] not in "[" else 1)
        self._text = self._text[end:]
        if is_alone or not (self._begun or opening["call"]):
            self.calls.extend(calls_in(text, self._tools))
        return Text("")

    def _unended(self, opening: re.Match[str], *, is_data: bool, at_end: bool) -> Text | None:
        """Wait for the rest of what may be a call; half a call is not heard."""
        if not at_end and len(self._text) < LONGEST_CALL:
            return None
        if not is_data and (not at_end or opening["named"] is None):
            return self._say(len(opening["call"]))
        if is_data and opening["call"]:
            return self._say(1)
        self._block, self._body = _Block(Kind.DROPPED, _BLANK_LINE), ""
        return Text("")
