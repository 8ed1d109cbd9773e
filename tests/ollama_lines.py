"""How an answer is written: Ollama's lines of JSON, and OpenAI's events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.ollama_script import Call


@dataclass(frozen=True)
class Said:
    text: str


@dataclass(frozen=True)
class Called:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Garbled: ...


@dataclass(frozen=True)
class Failed:
    text: str = "an error was encountered while running the model"


@dataclass(frozen=True)
class Cut: ...


@dataclass(frozen=True)
class Ended:
    """What the last line of an answer tells; nanoseconds."""

    load: int
    read: int
    read_tokens: int
    said: int
    said_tokens: int
    reason: str


Piece: TypeAlias = Said | Called | Garbled | Failed | Cut | Ended


class Lines:
    """How pieces are written on the wire."""

    content_type = ""

    def __init__(self, model: str) -> None:
        self._model = model

    def of(self, piece: Piece) -> Iterator[bytes]:
        raise NotImplementedError

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        raise NotImplementedError


class ChatLines(Lines):
    content_type = "application/x-ndjson"

    def of(self, piece: Piece) -> Iterator[bytes]:
        match piece:
            case Said(text):
                yield self._line(self._saying(text), done=False)
            case Called(calls):
                yield self._line({"message": message("", calls)}, done=False)
            case Garbled():
                yield b'{"model":"scripted","mess\n'
            case Failed(text):
                yield json.dumps({"error": text}).encode() + b"\n"
            case Ended():
                yield self._line({**self._saying(""), **_told(piece)}, done=True)

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, Said))
        calls = tuple(call for piece in pieces if isinstance(piece, Called) for call in piece.calls)
        ended = [piece for piece in pieces if isinstance(piece, Ended)]
        said = {"message": message(text, calls)} if calls else self._saying(text)
        return {"model": self._model, "created_at": NOW, **said, "done": True, **_told(ended[0])}

    def _line(self, what: Mapping[str, Any], *, done: bool) -> bytes:
        return json.dumps({"model": self._model, "created_at": NOW, **what, "done": done}).encode() + b"\n"

    def _saying(self, text: str) -> dict[str, Any]:
        return {"message": message(text, ())}


class GenerateLines(ChatLines):
    def _saying(self, text: str) -> dict[str, Any]:
        return {"response": text}


class Events(Lines):
    content_type = "text/event-stream"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._called = False

    def of(self, piece: Piece) -> Iterator[bytes]:
        match piece:
            case Said(text):
                yield self._chunk({"content": text})
            case Called(calls):
                self._called = True
                yield from (self._chunk({"tool_calls": [part]}) for part in _parts(calls))
            case Garbled():
                yield b'data: {"id":"chatcmpl-1","choi\n\n'
            case Failed(text):
                error = {"message": text, "type": "api_error", "code": None, "param": None}
                yield b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
            case Ended(reason=reason):
                yield self._chunk({}, "tool_calls" if self._called else reason)
                yield b"data: [DONE]\n\n"

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, Said))
        calls = [_openai_call(call, n) for p in pieces if isinstance(p, Called) for n, call in enumerate(p.calls)]
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


def _parts(calls: Sequence[Call]) -> Iterator[dict[str, Any]]:
    """Yield each call in three parts: its name, and its arguments in two."""
    for number, call in enumerate(calls):
        whole = _openai_call(call, number)
        arguments = whole["function"]["arguments"]
        half = len(arguments) // 2
        yield {"index": number, **whole, "function": {"name": call.name, "arguments": ""}}
        yield {"index": number, "function": {"arguments": arguments[:half]}}
        yield {"index": number, "function": {"arguments": arguments[half:]}}


def _told(ended: Ended) -> dict[str, Any]:
    return {
        "done_reason": ended.reason,
        "total_duration": ended.load + ended.read + ended.said,
        "load_duration": ended.load,
        "prompt_eval_count": ended.read_tokens,  # of the whole prompt, known or not, as Ollama counts
        "prompt_eval_duration": ended.read,
        "eval_count": ended.said_tokens,
        "eval_duration": ended.said,
    }
