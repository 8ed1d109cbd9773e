"""Token counter: counts by a safe estimate, calibrated by the server's counts, or by the model's own tokenizer."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.llm.model import ChatMessage, Prompt, Tool

MESSAGE_TOKENS = 8
"""Tokens that a chat template adds to a message."""
MIN_PER_UNIT, MIN_PER_BYTE = 0.5, 0.1
"""No tokenizer needs fewer; a count below this leaves out what the server had cached."""
WORTH_A_CHANGE = 0.8
"""Ratio below which a later, lower count is adopted: each change has prompts read again."""
MARGIN = 1.05
LETTERS_PER_TOKEN, MARKS_PER_TOKEN = 4, 2
_TOKEN = re.compile(
    rf"[A-Za-z]{{1,{LETTERS_PER_TOKEN}}}"
    rf"|[!-/:-@\[-`{{-~]{{1,{MARKS_PER_TOKEN}}}"
    r"|[0-9\x00-\x08\x0b-\x1f\x7f]|\n|[ \t]{2,}"
)


@dataclass(frozen=True)
class TokenUnits:
    """The most tokens that a text can have in practice, in ASCII and in all other scripts."""

    plain: int
    other: int


def count_units(text: str) -> TokenUnits:
    """Return the estimate: one token for four letters of a word, two punctuation marks or a digit; for other scripts one a byte."""
    others = len(text.encode("utf-8", "replace")) - len(text.encode("ascii", "ignore"))
    return TokenUnits(len(_TOKEN.findall(text)), others)


class TokenCounter:
    """Counts a model's tokens, never too few; the counts of its server make it more precise."""

    def __init__(self, tokenizer: Callable[[str], int] | None = None) -> None:
        self._tokenizer = tokenizer
        self._plain = self._other = 1.0
        self._has_learnt = False

    @property
    def scales(self) -> tuple[float, float]:
        """Tokens per unit, of ASCII and of other scripts; they change at the first calibration and after counting too few."""
        return self._plain, self._other

    def count(self, text: str) -> int:
        if self._tokenizer is not None:
            return self._tokenizer(text)
        counted = count_units(text)
        return math.ceil(counted.plain * self._plain + counted.other * self._other)

    def count_prompt(self, prompt: Prompt) -> int:
        """Return the number of tokens of a prompt and its tools."""
        return sum(map(self.count_message, prompt.messages)) + sum(map(self.count_tool, prompt.tools))

    def count_message(self, message: ChatMessage) -> int:
        return MESSAGE_TOKENS + self.count(format_message(message))

    def count_tool(self, tool: Tool) -> int:
        return self.count(_format_tool(tool))

    def calibrate(self, prompt: Prompt, counted: int) -> None:
        """Adjust the scales to the number of tokens that a server counted in a prompt."""
        text = "\n".join((*map(format_message, prompt.messages), *map(_format_tool, prompt.tools)))
        most = count_units(text)
        knew_some = counted < MIN_PER_UNIT * most.plain + MIN_PER_BYTE * most.other  # and has counted the rest alone
        if self._tokenizer is not None or knew_some or not most.plain:
            return
        before = self.count_prompt(prompt)
        if self._has_learnt and counted > before:
            more = MARGIN * counted / before
            self._plain, self._other = self._plain * more, self._other * more
            return
        # each is at most what the minimum of the other leaves
        plain = MARGIN * (counted - MIN_PER_BYTE * most.other) / most.plain
        other = MARGIN * (counted - MIN_PER_UNIT * most.plain) / most.other if most.other else self._other
        lower = TokenCounter()
        lower._plain = min(self._plain, plain) if self._has_learnt else plain
        lower._other = max(MIN_PER_BYTE, min(self._other, other))
        if not self._has_learnt or lower.count_prompt(prompt) < WORTH_A_CHANGE * before:
            self._plain, self._other = lower.scales
        self._has_learnt = True


def load(path: Path | None) -> TokenCounter:
    """Return a counter with the tokenizer of a tokenizer.json, or without one. Raises ConfigError."""
    if path is None:
        return TokenCounter()
    try:
        from tokenizers import Tokenizer
    except ImportError as err:
        raise ConfigError("tokenizers is not installed; run: pip install tokenizers") from err
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # the library raises plain Exception
        raise ConfigError(f"cannot read the tokenizer {path}: {err}") from err
    return TokenCounter(lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids))


def format_message(message: ChatMessage) -> str:
    """Return a message with its calls as the text whose tokens are counted."""
    calls = (f"{call.name} {json.dumps(dict(call.arguments or {}), ensure_ascii=False)}" for call in message.calls)
    return "\n".join((message.text, *calls))


def _format_tool(tool: Tool) -> str:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return json.dumps({"type": "function", "function": function}, ensure_ascii=False)
