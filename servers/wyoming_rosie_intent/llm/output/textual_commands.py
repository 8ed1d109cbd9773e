"""A model that takes no tools: what it is told instead, and the commands that it writes as plain sentences."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

import structlog

from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    ModelEvent,
    Prompt,
    Restarted,
    StreamEnd,
    TextDelta,
    ToolCall,
)

_LOG = structlog.get_logger()
COMMAND = "Command"
"""The tool that a command in words is a call of; it is offered to no model."""
SENTENCE = "sentence"
MAX_COMMANDS = 3
"""Of one answer."""
MAX_COMMAND_CHARACTERS = 200
"""Characters; what is longer is no command that people say."""
_MARK = re.compile(r"[*_`\"'>\s]*\bcommand[*_`]*[ \t]*:", re.IGNORECASE)
_MAYBE_MARK = re.compile(r"[*_`\"'>\s]*(?:\b(?:command|comman|comma|comm|com|co|c)[*_`]*[ \t]*)?\Z", re.IGNORECASE)


class ToolSupport:
    """Whether one model is given tools: all are, until a server refuses them."""

    def __init__(self) -> None:
        self._are_refused = False

    @property
    def are_refused(self) -> bool:
        return self._are_refused

    def on_refused(self, reason: str) -> None:
        """Give the model no tools from now on, and log why once."""
        if not self._are_refused:
            _LOG.warning("a model takes no tools: it acts by sentences that rules understand", reason=reason)
        self._are_refused = True

    def adapt_prompt(self, prompt: Prompt) -> Prompt:
        """Return the prompt as the model is given it."""
        return remove_tools(prompt) if self._are_refused and prompt.tools else prompt


def remove_tools(prompt: Prompt) -> Prompt:
    """Return the prompt without tools and without what only models with tools understand."""
    return Prompt(tuple(_convert_messages(prompt)))


def _convert_messages(prompt: Prompt) -> Iterator[ChatMessage]:
    for message in prompt.messages:
        match message.role:
            case ChatRole.SYSTEM:
                yield replace(message, text=f"{message.text}\n\n{prompt.without_tools}".strip())
            case ChatRole.TOOL:
                if message.tool_call and message.tool_call.name == COMMAND:
                    yield ChatMessage(ChatRole.USER, f"[What came of the command: {message.text}]")
            case ChatRole.ASSISTANT if message.calls:
                said = "\n".join(filter(None, (message.text, *map(_format_command, message.calls))))
                if said:
                    yield ChatMessage(ChatRole.ASSISTANT, said)
            case _:
                yield message


def _format_command(call: ToolCall) -> str:
    return f"COMMAND: {(call.arguments or {}).get(SENTENCE, '')}" if call.name == COMMAND else ""


async def extract_commands(
    pieces: AsyncGenerator[ModelEvent | Restarted, None],
) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield an answer with the commands that stand in it as calls, before its end."""
    commands = CommandExtractor()
    async with aclosing(pieces):
        async for piece in pieces:
            match piece:
                case TextDelta(text):
                    if said := commands.feed(text):
                        yield TextDelta(said)
                case Restarted():
                    commands = CommandExtractor()
                    yield piece
                case StreamEnd():
                    if said := commands.flush():
                        yield TextDelta(said)
                    for call in commands.calls:
                        yield call
                    yield piece
                case _:
                    yield piece


class CommandExtractor:
    """Takes a text in any pieces and gives it back without the commands in it: "COMMAND: turn on the light"."""

    def __init__(self) -> None:
        self._text = "\n"  # what is not decided yet, behind the one character before it
        self._sentences: list[str] = []

    @property
    def calls(self) -> Sequence[ToolCall]:
        """The calls that the commands are; none where there are more than anybody asks for."""
        if len(self._sentences) > MAX_COMMANDS:
            return ()
        return [ToolCall(f"call_{uuid4().hex[:12]}", COMMAND, {SENTENCE: sentence}) for sentence in self._sentences]

    def feed(self, text: str) -> str:
        """Return what may be said now."""
        self._text += text
        said = self._extract()
        if _MARK.search(self._text, 1):
            return said
        maybe = _MAYBE_MARK.search(self._text, 1)
        kept = maybe.start() if maybe else len(self._text)
        said, self._text = said + self._text[1:kept], self._text[kept - 1 :]
        return said

    def flush(self) -> str:
        """Return what is left to say."""
        self._text += "\n"
        said = self._extract() + self._text[1:]
        self._text = "\n"
        return said.removesuffix("\n")

    def _extract(self) -> str:
        """Keep the commands whose line is whole; return what stands before them."""
        said = ""
        while (mark := _MARK.search(self._text, 1)) and (end := self._text.find("\n", mark.end())) >= 0:
            said += self._text[1 : mark.start()]
            if sentence := _strip_quotes(self._text[mark.end() : end]):
                self._sentences.append(sentence)
            self._text = self._text[end - 1 :]
        return said


def _strip_quotes(line: str) -> str:
    """Return a command without the marks around it; nothing of what is too long."""
    sentence = " ".join(line.split()).strip("*_`\"'“”«».!<>[]() ")
    return sentence if len(sentence) <= MAX_COMMAND_CHARACTERS else ""
