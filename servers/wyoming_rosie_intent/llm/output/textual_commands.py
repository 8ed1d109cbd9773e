"""Textual commands: a model without tool support writes commands as sentences, "COMMAND: turn on the light"."""

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
"""Name of the tool that a textual command calls; no model is offered it."""
SENTENCE = "sentence"
MAX_COMMANDS = 3
"""Commands in one answer; with more, none is called."""
MAX_COMMAND_CHARACTERS = 200
"""Characters of one command; a longer one is ignored."""
_MARK = re.compile(r"[*_`\"'>\s]*\bcommand[*_`]*[ \t]*:", re.IGNORECASE)
_MAYBE_MARK = re.compile(r"[*_`\"'>\s]*(?:\b(?:command|comman|comma|comm|com|co|c)[*_`]*[ \t]*)?\Z", re.IGNORECASE)


class ToolSupport:
    """Tool support of one model: assumed until its server refuses tools."""

    def __init__(self) -> None:
        self._are_refused = False

    @property
    def are_refused(self) -> bool:
        return self._are_refused

    def on_refused(self, reason: str) -> None:
        """Send no tools from now on; log the reason once."""
        if not self._are_refused:
            _LOG.warning("a model does not support tools and will act by sentences", reason=reason)
        self._are_refused = True

    def adapt_prompt(self, prompt: Prompt) -> Prompt:
        """Return the prompt in the form that this model supports."""
        return remove_tools(prompt) if self._are_refused and prompt.tools else prompt


def remove_tools(prompt: Prompt) -> Prompt:
    """Return the prompt without tools and without tool messages."""
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
                plain_text = "\n".join(filter(None, (message.text, *map(_format_command, message.calls))))
                if plain_text:
                    yield ChatMessage(ChatRole.ASSISTANT, plain_text)
            case _:
                yield message


def _format_command(call: ToolCall) -> str:
    return f"COMMAND: {(call.arguments or {}).get(SENTENCE, '')}" if call.name == COMMAND else ""


async def extract_commands(
    events: AsyncGenerator[ModelEvent | Restarted, None],
) -> AsyncGenerator[ModelEvent | Restarted, None]:
    """Yield an answer with its textual commands as tool calls, before the end of the stream."""
    commands = CommandExtractor()
    async with aclosing(events):
        async for event in events:
            match event:
                case TextDelta(text):
                    if plain_text := commands.feed(text):
                        yield TextDelta(plain_text)
                case Restarted():
                    commands = CommandExtractor()
                    yield event
                case StreamEnd():
                    if plain_text := commands.flush():
                        yield TextDelta(plain_text)
                    for call in commands.calls:
                        yield call
                    yield event
                case _:
                    yield event


class CommandExtractor:
    """Removes textual commands from streamed text and collects them."""

    def __init__(self) -> None:
        self._text = "\n"  # one character that is decided, then the text that is not
        self._sentences: list[str] = []

    @property
    def calls(self) -> Sequence[ToolCall]:
        """The commands as tool calls; none if there are more than MAX_COMMANDS."""
        if len(self._sentences) > MAX_COMMANDS:
            return ()
        return [ToolCall(f"call_{uuid4().hex[:12]}", COMMAND, {SENTENCE: sentence}) for sentence in self._sentences]

    def feed(self, text: str) -> str:
        """Return the text that is decided now."""
        self._text += text
        plain_text = self._extract()
        if _MARK.search(self._text, 1):
            return plain_text
        maybe = _MAYBE_MARK.search(self._text, 1)
        plain_end = maybe.start() if maybe else len(self._text)
        plain_text, self._text = plain_text + self._text[1:plain_end], self._text[plain_end - 1 :]
        return plain_text

    def flush(self) -> str:
        """Return the rest of the text."""
        self._text += "\n"
        plain_text = self._extract() + self._text[1:]
        self._text = "\n"
        return plain_text.removesuffix("\n")

    def _extract(self) -> str:
        """Collect the commands on complete lines; return the text before them."""
        plain_text = ""
        while (mark := _MARK.search(self._text, 1)) and (end := self._text.find("\n", mark.end())) >= 0:
            plain_text += self._text[1 : mark.start()]
            if sentence := _strip_quotes(self._text[mark.end() : end]):
                self._sentences.append(sentence)
            self._text = self._text[end - 1 :]
        return plain_text


def _strip_quotes(line: str) -> str:
    """Return a command without quotes and markup, or nothing if it is too long."""
    sentence = " ".join(line.split()).strip("*_`\"'“”«».!<>[]() ")
    return sentence if len(sentence) <= MAX_COMMAND_CHARACTERS else ""
