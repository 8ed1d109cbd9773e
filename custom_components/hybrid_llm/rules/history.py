"""Conversation so far, as messages of Ollama's API, within a number of sentences and tokens."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .prompt import FrozenPrompt, cut, estimate_tokens
from .tool_calls import ModelCall

Message: TypeAlias = Mapping[str, Any]


def user_message(text: str) -> Message:
    """Return the message of a person."""
    return {"role": "user", "content": text}


def assistant_message(text: str, calls: Sequence[ModelCall] = ()) -> Message:
    """Return a message of the model."""
    written = [{"function": {"name": call.name, "arguments": json.loads(_dump(call.arguments))}} for call in calls]
    return {"role": "assistant", "content": text, **({"tool_calls": written} if written else {})}


def result_message(name: str, result: Any, max_tokens: int) -> Message:
    """Return the result of a tool, cut to its room."""
    return {"role": "tool", "tool_name": name, "content": cut(_dump(result), max_tokens)}


def note_message(text: str) -> Message:
    """Return a message that nobody said."""
    return {"role": "system", "content": text}


def build_messages(
    prompt: FrozenPrompt, history: Sequence[Message], sentence: Sequence[Message], extra: str
) -> list[Message]:
    """Return the messages of a request: what changes least comes first, since servers cache the beginning."""
    later = [note_message(extra)] if extra else []
    return [*warm_messages(prompt, history), *later, *sentence]


def warm_messages(prompt: FrozenPrompt, history: Sequence[Message]) -> list[Message]:
    """Return the messages before the sentence."""
    return [{"role": "system", "content": prompt.system}, *history, note_message(prompt.now)]


def trim_history(messages: Sequence[Message], max_sentences: int, max_tokens: int) -> list[Message]:
    """Return the newest sentences with their answers, each in full, as many as fit."""
    starts = [number for number, message in enumerate(messages) if message["role"] == "user"]
    kept: list[Message] = []
    end = len(messages)
    for start in reversed(starts[-max_sentences:] if max_sentences else []):
        exchange = list(messages[start:end])
        max_tokens -= estimate_tokens(json.dumps(exchange, ensure_ascii=False))
        if max_tokens < 0:
            break
        kept = [*exchange, *kept]
        end = start
    return kept


def _dump(value: Any) -> str:
    """Return JSON for anything that Home Assistant may have in a call or a result."""
    return json.dumps(value, ensure_ascii=False, default=str)
