"""Wire formats of answers: Ollama's lines of JSON and OpenAI's server-sent events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.ollama_script import Call


@dataclass(frozen=True)
class SentText:
    text: str


@dataclass(frozen=True)
class SentCalls:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class SentGarbage: ...


@dataclass(frozen=True)
class SentError:
    text: str = "an error was encountered while running the model"


@dataclass(frozen=True)
class SentCut: ...


@dataclass(frozen=True)
class SentEnd:
    """The end of an answer: durations in nanoseconds, numbers of tokens, and the reason."""

    load: int
    read: int
    read_tokens: int
    said: int
    said_tokens: int
    reason: str


SentEvent: TypeAlias = SentText | SentCalls | SentGarbage | SentError | SentCut | SentEnd


class WireFormat:
    """Encodes the events of an answer."""

    content_type = ""

    def __init__(self, model: str) -> None:
        self._model = model

    def encode(self, piece: SentEvent) -> Iterator[bytes]:
        raise NotImplementedError

    def encode_complete(self, pieces: Sequence[SentEvent]) -> dict[str, Any]:
        raise NotImplementedError


class ChatFormat(WireFormat):
    content_type = "application/x-ndjson"

    def encode(self, piece: SentEvent) -> Iterator[bytes]:
        match piece:
            case SentText(text):
                yield self._line(self._format_text(text), done=False)
            case SentCalls(calls):
                yield self._line({"message": message("", calls)}, done=False)
            case SentGarbage():
                yield b'{"model":"scripted","mess\n'
            case SentError(text):
                yield json.dumps({"error": text}).encode() + b"\n"
            case SentEnd():
                yield self._line({**self._format_text(""), **_format_end(piece)}, done=True)

    def encode_complete(self, pieces: Sequence[SentEvent]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, SentText))
        calls = tuple(call for piece in pieces if isinstance(piece, SentCalls) for call in piece.calls)
        ended = [piece for piece in pieces if isinstance(piece, SentEnd)]
        said = {"message": message(text, calls)} if calls else self._format_text(text)
        return {"model": self._model, "created_at": NOW, **said, "done": True, **_format_end(ended[0])}

    def _line(self, what: Mapping[str, Any], *, done: bool) -> bytes:
        return json.dumps({"model": self._model, "created_at": NOW, **what, "done": done}).encode() + b"\n"

    def _format_text(self, text: str) -> dict[str, Any]:
        return {"message": message(text, ())}


class GenerateFormat(ChatFormat):
    def _format_text(self, text: str) -> dict[str, Any]:
        return {"response": text}


class OpenaiFormat(WireFormat):
    content_type = "text/event-stream"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._called = False

    def encode(self, piece: SentEvent) -> Iterator[bytes]:
        match piece:
            case SentText(text):
                yield self._chunk({"content": text})
            case SentCalls(calls):
                self._called = True
                yield from (self._chunk({"tool_calls": [part]}) for part in _split_calls(calls))
            case SentGarbage():
                yield b'data: {"id":"chatcmpl-1","choi\n\n'
            case SentError(text):
                error = {"message": text, "type": "api_error", "code": None, "param": None}
                yield b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
            case SentEnd(reason=reason):
                yield self._chunk({}, "tool_calls" if self._called else reason)
                yield b"data: [DONE]\n\n"

    def encode_complete(self, pieces: Sequence[SentEvent]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, SentText))
        calls = [_openai_call(call, n) for p in pieces if isinstance(p, SentCalls) for n, call in enumerate(p.calls)]
        message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return {**self._envelope("chat.completion"), "choices": [choice]}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
        chunk = {**self._envelope("chat.completion.chunk"), "choices": [choice]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": self._model}


NOW = "2026-01-01T00:00:00.000000Z"


def message(text: str, calls: Sequence[Call]) -> dict[str, Any]:
    written = [{"function": {"name": call.name, "arguments": call.arguments}} for call in calls]
    return {"role": "assistant", "content": text, **({"tool_calls": written} if written else {})}


def _openai_call(call: Call, number: int) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    function = {"name": call.name, "arguments": arguments}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _split_calls(calls: Sequence[Call]) -> Iterator[dict[str, Any]]:
    """Yield each call in three chunks: the name, then the arguments in two halves."""
    for number, call in enumerate(calls):
        whole = _openai_call(call, number)
        arguments = whole["function"]["arguments"]
        half = len(arguments) // 2
        yield {"index": number, **whole, "function": {"name": call.name, "arguments": ""}}
        yield {"index": number, "function": {"arguments": arguments[:half]}}
        yield {"index": number, "function": {"arguments": arguments[half:]}}


def _format_end(ended: SentEnd) -> dict[str, Any]:
    return {
        "done_reason": ended.reason,
        "total_duration": ended.load + ended.read + ended.said,
        "load_duration": ended.load,
        "prompt_eval_count": ended.read_tokens,  # of the whole prompt, cached or not, as Ollama counts
        "prompt_eval_duration": ended.read,
        "eval_count": ended.said_tokens,
        "eval_duration": ended.said,
    }
