"""Output filter: removes reasoning, special tokens and tool calls written as text from a model's streamed output.

Text is prose up to where one of `_SYNTAXES` opens a block; a block is taken whole and never spoken.
"""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto

from wyoming_rosie_intent.llm.model import ModelEvent, Restarted, StreamEnd, TextDelta, ToolCall
from wyoming_rosie_intent.llm.output.textual_calls import (
    MAX_CALL_CHARACTERS,
    find_closing_bracket,
    parse_calls,
    parse_expression,
)

FIRST_CHARACTERS = 200
"""Characters of a model's first answer that are withheld, since they may be reasoning without an opening tag."""


class BlockKind(Enum):
    """The kind of a block of control text."""

    THOUGHT = auto()
    CALL = auto()
    HEADER = auto()  # of a message in OpenAI's Harmony format; it tells the message's kind
    DROPPED = auto()
    THOUGHT_ENDS = auto()  # a closing tag alone: the text before it was reasoning


@dataclass(frozen=True)
class _ControlBlock:
    kind: BlockKind
    closing: re.Pattern[str] | None = None  # None for a single token


@dataclass(frozen=True)
class _BlockSyntax:
    """The syntax that opens a block. Text that `maybe` matches in full may become text that `opening` matches."""

    opening: re.Pattern[str]
    maybe: re.Pattern[str]
    block: Callable[[re.Match[str]], _ControlBlock]
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
_MAX_CLOSING = 80


def _parse_tag(found: re.Match[str]) -> _ControlBlock:
    """Return the block that an XML tag opens; a tag of another name is dropped."""
    name = found["tag"]
    closing = re.compile(rf"<\|?/\|?{re.escape(name)}\|?\s{{0,3}}>|{_ENDS}")
    if _THOUGHT.fullmatch(name):
        return _ControlBlock(BlockKind.THOUGHT_ENDS if found["slash"] else BlockKind.THOUGHT, closing)
    if found["slash"] or found["empty"] or not _CALL.search(name):
        return _ControlBlock(BlockKind.DROPPED)
    return _ControlBlock(BlockKind.DROPPED if _RESULT.search(name) else BlockKind.CALL, closing)


def _parse_special_token(found: re.Match[str]) -> _ControlBlock:
    """Return the block that a special token opens, such as <|channel|>; some models write it in full-width characters."""
    name = found["special"].replace("\u2581", "_").strip("_")
    ends = name.startswith("/") or "end" in name.casefold()
    if _THOUGHT.search(name):
        return _ControlBlock(BlockKind.THOUGHT_ENDS if ends else BlockKind.THOUGHT, _SPECIAL_ENDS)
    if name in {"start", "channel"}:
        return _ControlBlock(BlockKind.HEADER, _MESSAGE)
    if name in {"im_start", "start_header_id", "start_of_role"}:
        return _ControlBlock(BlockKind.DROPPED, re.compile(r"\n|(?=<)"))
    if ends or name == "call" or not (_CALL.search(name) or name == "python_tag"):
        return _ControlBlock(BlockKind.DROPPED)
    return _ControlBlock(BlockKind.DROPPED if _RESULT.search(name) else BlockKind.CALL, _SPECIAL_ENDS)


def _parse_bracket_token(found: re.Match[str]) -> _ControlBlock:
    """Return the block that a token in square brackets opens, such as [TOOL_CALLS]."""
    name = found["mark"]
    if name == "THINK":
        return _ControlBlock(BlockKind.THOUGHT_ENDS if found["slash"] else BlockKind.THOUGHT, re.compile(r"\[/THINK\]"))
    if found["slash"] or "TOOL" not in name:
        return _ControlBlock(BlockKind.DROPPED)
    closing = re.compile(rf"\[/{name}\]|</s>")
    return _ControlBlock(BlockKind.CALL if "CALL" in name else BlockKind.DROPPED, closing)


def _parse_react_label(found: re.Match[str]) -> _ControlBlock:
    """Return the block that a line of ReAct opens."""
    match found["label"]:
        case "Thought":
            return _ControlBlock(BlockKind.THOUGHT, _NEXT_LABEL)
        case "Observation":
            return _ControlBlock(BlockKind.DROPPED, _LAST_LABEL)
        case _:
            return _ControlBlock(BlockKind.DROPPED)


_SYNTAXES = (
    _BlockSyntax(  # <think>, </tool_call>, <function=f>, <invoke name="f">
        re.compile(
            r"<(?P<slash>/?)(?P<tag>[A-Za-z_][\w:.-]{0,60})(?=[^<>]{0,150}>)"
            r"(?:\s*=\s*[^<>\s]*|\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*(?P<empty>/?)>"
        ),
        re.compile(r"</?(?:[A-Za-z_][\w:.-]{0,60}(?:[\s=/][^<>]{0,149})?)?"),
        _parse_tag,
    ),
    _BlockSyntax(  # <|channel|>
        re.compile(r"<[|\uff5c](?P<special>[^<>|\uff5c\n]{1,60})[|\uff5c]>"),
        re.compile(r"<(?:[|\uff5c][^<>|\uff5c\n]{0,60}[|\uff5c]?)?"),
        _parse_special_token,
    ),
    _BlockSyntax(  # [TOOL_CALLS], [THINK]
        re.compile(
            r"\[(?P<slash>/?)(?P<mark>THINK|INST|TOOL_CALLS?|TOOL_RESULTS?|TOOL_CONTENT|AVAILABLE_TOOLS|SYSTEM_PROMPT)\]"
        ),
        re.compile(r"\[/?[A-Z_]{0,15}"),
        _parse_bracket_token,
    ),
    _BlockSyntax(  # of Kimi
        re.compile(r"\u25c1(?P<slash>/?)think\u25b7"),
        re.compile(r"\u25c1/?t?h?i?n?k?"),
        lambda found: _ControlBlock(
            BlockKind.THOUGHT_ENDS if found["slash"] else BlockKind.THOUGHT, re.compile("\u25c1/think\u25b7")
        ),
    ),
    _BlockSyntax(  # HassTurnOn[ARGS]
        re.compile(r"[\w.-]{1,80}\[ARGS\]"),
        re.compile(r"[\w.-]{1,80}(?:\[A?R?G?S?)?"),
        lambda _: _ControlBlock(BlockKind.CALL, re.compile("</s>")),
    ),
    _BlockSyntax(
        re.compile(r"```"), re.compile(r"`{1,2}"), lambda _: _ControlBlock(BlockKind.CALL, re.compile(r"```"))
    ),
    _BlockSyntax(  # of ReAct
        re.compile(r"(?P<label>Thought|Observation|Final Answer)\**:\**"),
        re.compile(r"(?:Thought|Observation|Final(?: A?n?s?w?e?r?)?)\**:?|[A-Z]\w{0,10}"),
        _parse_react_label,
        begins_a_line=True,
    ),
    _BlockSyntax(
        re.compile(r"Action\**:\**[ \t]*(?:(?=[`{\[])|[\w.-]{1,80}[ \t]*[\n(])"),
        re.compile(r"Action\**(?::\**[ \t]*(?:[\w.-]{1,80}[ \t]*)?)?|[A-Z]\w{0,10}"),
        lambda _: _ControlBlock(BlockKind.CALL, _LAST_LABEL),
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


class ReasoningStyle:
    """Whether a model writes its reasoning without an opening tag; None until that is known."""

    def __init__(self, *, is_untagged: bool | None = None) -> None:
        self.is_untagged = is_untagged


async def filter_output(
    events: AsyncGenerator[ModelEvent, None], tools: Collection[str] = (), reasoning: ReasoningStyle | None = None
) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield an answer without reasoning, with the calls that the model wrote as text as tool calls.

    `Restarted` voids the text so far: it was reasoning.
    """
    output, beginning = OutputFilter(tools), _LeadingText(reasoning or ReasoningStyle())
    async with aclosing(events):
        async for event in events:
            match event:
                case TextDelta():
                    for delta in beginning.feed(output.feed(event.text)):
                        yield delta
                case StreamEnd():
                    for delta in (*beginning.feed(output.flush()), *beginning.flush()):
                        yield delta
                    for call in output.calls:
                        yield call
                    yield event
                case ToolCall():
                    yield event


class _LeadingText:
    """Withholds the beginning of an answer while it may be reasoning without an opening tag."""

    def __init__(self, reasoning: ReasoningStyle) -> None:
        self._reasoning = reasoning
        self._is_open = reasoning.is_untagged is False
        self._buffered = ""
        self._has_emitted = False

    def feed(self, deltas: Iterable[TextDelta | Restarted]) -> Iterator[TextDelta | Restarted]:
        for delta in deltas:
            if isinstance(delta, Restarted):
                self._reasoning.is_untagged, self._is_open, self._buffered = True, True, ""
                if self._has_emitted:
                    yield delta
                self._has_emitted = False
            elif self._is_open:
                self._has_emitted = True
                yield delta
            else:
                self._buffered += delta.text
                if self._reasoning.is_untagged is None and len(self._buffered) >= FIRST_CHARACTERS:
                    yield from self._release()

    def flush(self) -> Iterator[TextDelta | Restarted]:
        """Yield the withheld text: this answer has no reasoning without an opening tag."""
        if self._buffered or not self._is_open:
            self._reasoning.is_untagged = None if self._reasoning.is_untagged or not self._buffered else False
            yield from self._release()

    def _release(self) -> Iterator[TextDelta]:
        self._is_open, held, self._buffered = True, self._buffered, ""
        self._has_emitted = self._has_emitted or bool(held)
        if held:
            yield TextDelta(held)


class OutputFilter:
    """Filters streamed text; `calls` are the tool calls that were written in it."""

    def __init__(self, tools: Collection[str] = ()) -> None:
        self.calls: list[ToolCall] = []
        self._tools = frozenset(tools)
        self._text = ""  # not decided yet
        self._has_text_in_line = False
        self._block: _ControlBlock | None = None
        self._body = ""  # of the block, before `_text`
        self._has_thought = False

    def feed(self, text: str) -> list[TextDelta | Restarted]:
        self._text += text
        return self._process(at_end=False)

    def flush(self) -> list[TextDelta | Restarted]:
        """Return the rest of the text; an open block ends here."""
        return self._process(at_end=True)

    def _process(self, *, at_end: bool) -> list[TextDelta | Restarted]:
        deltas: list[TextDelta | Restarted] = []
        while self._text or (self._block and at_end):
            delta = (
                self._process_block(self._block, at_end=at_end) if self._block else self._process_text(at_end=at_end)
            )
            if delta is None:
                break
            if isinstance(delta, Restarted) or delta.text:
                deltas.append(delta)
        return deltas

    def _process_text(self, *, at_end: bool) -> TextDelta | Restarted | None:
        """Process the next text outside a block; return None if that depends on text to come."""
        found = _TRIGGER.search(self._text)
        begin = found.start() if found else len(self._text)
        if found is None or begin or found[0] == "\n":
            return self._emit(begin or 1)
        for form in _SYNTAXES:
            if form.begins_a_line and self._has_text_in_line:
                continue
            if opening := form.opening.match(self._text):
                return self._open_block(form.block(opening), opening)
            if not at_end and form.maybe.fullmatch(self._text):
                return None
        return self._process_bracket(found, at_end=at_end)

    def _emit(self, end: int) -> TextDelta:
        emitted, self._text = self._text[:end], self._text[end:]
        line = emitted.rpartition("\n")
        self._has_text_in_line = any(map(str.isalnum, line[2])) or (self._has_text_in_line and not line[1])
        return TextDelta(emitted)

    def _open_block(self, block: _ControlBlock, opening: re.Match[str]) -> TextDelta | Restarted:
        self._text = self._text[opening.end() :]
        if block.kind is BlockKind.THOUGHT_ENDS:
            is_first, self._has_thought, self._has_text_in_line = not self._has_thought, True, False
            return Restarted() if is_first else TextDelta("")
        if block.closing is not None:
            self._block, self._body = block, opening[0]
        return TextDelta("")

    def _process_block(self, block: _ControlBlock, *, at_end: bool) -> TextDelta | None:
        """Process the text of the block; return None if it continues."""
        assert block.closing is not None
        closing = block.closing.search(self._text)
        if closing is None and not at_end:
            self._append_body(max(0, len(self._text) - _MAX_CLOSING))
            return None
        self._append_body(closing.start() if closing else len(self._text))
        self._text = self._text[closing.end() - closing.start() :] if closing else ""
        self._block = self._close_block(block.kind) if closing or block.kind is not BlockKind.HEADER else None
        return TextDelta("")

    def _append_body(self, end: int) -> None:
        self._body = (self._body + self._text[:end])[: 2 * MAX_CALL_CHARACTERS]
        self._text = self._text[end:]

    def _close_block(self, kind: BlockKind) -> _ControlBlock | None:
        """Process a complete block; return the block that follows it immediately."""
        match kind:
            case BlockKind.THOUGHT:
                self._has_thought = True
            case BlockKind.CALL:
                self.calls.extend(parse_calls(self._body, self._tools))
            case BlockKind.HEADER if "analysis" in self._body:
                return _ControlBlock(BlockKind.THOUGHT, _MESSAGE_ENDS)
            case BlockKind.HEADER if "to=" in self._body:
                return _ControlBlock(BlockKind.CALL, _MESSAGE_ENDS)
        return None

    def _process_bracket(self, found: re.Match[str], *, at_end: bool) -> TextDelta | None:
        """Process JSON or a Python call, or else the one character or word that looked like it."""
        is_data = found[0] in {"{", "["}
        opening = (_JSON if is_data else _PYTHON).match(self._text)
        if opening is None:
            maybe = _MAYBE_JSON if is_data else _MAYBE_PYTHON
            return None if not at_end and maybe.fullmatch(self._text) else self._emit(found.end())
        end = find_closing_bracket(self._text[:MAX_CALL_CHARACTERS], 0 if is_data else found.end())
        if end is None:
            return self._process_partial_call(opening, is_data=is_data, at_end=at_end)
        line_rest = _REST_OF_LINE.match(self._text, end)
        assert line_rest
        if line_rest.end() == len(self._text) and not at_end:
            return None
        follows = self._text[line_rest.end() : line_rest.end() + 1] in {"", "\n", "{", "[", "<"}
        return self._process_call(opening, end, is_alone=follows if is_data else follows and not self._has_text_in_line)

    def _process_call(self, opening: re.Match[str], end: int, *, is_alone: bool) -> TextDelta:
        """Record the calls in JSON or Python unless they stand within a sentence; drop the text in either case."""
        text = self._text[:end]
        if opening["call"] and not parse_expression(text, self._tools)[1] and not parse_calls(text, self._tools):
            return self._emit(len(opening["call"]) if text[0] not in "[" else 1)
        self._text = self._text[end:]
        if is_alone or not (self._has_text_in_line or opening["call"]):
            self.calls.extend(parse_calls(text, self._tools))
        return TextDelta("")

    def _process_partial_call(self, opening: re.Match[str], *, is_data: bool, at_end: bool) -> TextDelta | None:
        """Wait for the rest of what may be a call; half a call is dropped."""
        if not at_end and len(self._text) < MAX_CALL_CHARACTERS:
            return None
        if not is_data and (not at_end or opening["named"] is None):
            return self._emit(len(opening["call"]))
        if is_data and opening["call"]:
            return self._emit(1)
        self._block, self._body = _ControlBlock(BlockKind.DROPPED, _BLANK_LINE), ""
        return TextDelta("")
