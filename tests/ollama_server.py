"""A scripted server that speaks Ollama's HTTP API, and the part of OpenAI's that others copy.

What it says is written in rules; how long it takes depends, as with a real one, on how much of a prompt it has read
before. Of the quality of any model it says nothing. As a program: `python -m tests.ollama_server --port 11434`.
"""

import argparse
import asyncio
import hashlib
import json
import re
import tomllib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from aiohttp import web

VERSION = "0.12.0"
HANG_SECONDS = 600.0
CHARACTERS_PER_TOKEN = 4
MOST_WAITING = 512
"""Requests that wait for one model; as OLLAMA_MAX_QUEUE."""
EMBEDDING_SIZE = 64
_WORDS_BEFORE_A_FAULT = 2


class Fault(StrEnum):
    BUSY = "busy"  # refused with 503
    SLOW = "slow"  # never comes to its first word
    STALL = "stall"  # falls silent in the middle
    CUT = "cut"  # the connection breaks in the middle
    GARBLED = "garbled"  # half a line in the middle
    ERROR = "error"  # says so itself, in the middle
    NOT_DONE = "not-done"  # ends cleanly, without saying that it is done


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)  # a text: what is no JSON, for OpenAI's API


@dataclass(frozen=True)
class Rule:
    """What is said to a request; the first rule that fits counts. `after_tool` fits one that ends with a tool's result."""

    when: str = ""  # in the last thing a user said, whatever its case
    say: str = ""
    calls: tuple[Call, ...] = ()
    words_before_calls: int = 0
    after_tool: bool = False
    wait_seconds: float = 0.0
    fault: Fault | None = None

    def fits(self, said: str, ends_with_tool: bool) -> bool:
        return self.after_tool == ends_with_tool and self.when.casefold() in said.casefold()


RULES = (
    Rule(say="That is done.", after_tool=True),
    Rule("kitchen light", "I will do that.", (Call("HassTurnOn", {"name": "Kitchen Light"}),)),
    Rule(say="Paris is the capital of France. It lies on the Seine."),
)


@dataclass(frozen=True)
class Pace:
    """Tokens a second, and the seconds until a model is loaded."""

    read: float = 1_000_000.0
    say: float = 1_000_000.0
    load_seconds: float = 0.0


@dataclass(frozen=True)
class Received:
    """A request as it came; times are the event loop's."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class _Said:
    text: str


@dataclass(frozen=True)
class _Called:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class _Garbled: ...


@dataclass(frozen=True)
class _Failed: ...


@dataclass(frozen=True)
class _Cut: ...


@dataclass(frozen=True)
class _Ended:
    """What the last line of an answer tells; nanoseconds."""

    load: int
    read: int
    read_tokens: int
    said: int
    said_tokens: int
    reason: str


_Piece: TypeAlias = _Said | _Called | _Garbled | _Failed | _Cut | _Ended


@dataclass
class _Slot:
    """A place where a model works on one request at a time; it knows by heart what it has read and said there last."""

    known: str = ""
    busy: bool = False


class _Model:
    """One model: loaded or not, with its slots."""

    def __init__(self, slots: int) -> None:
        self.loaded = False
        self.waiting = 0
        self._slots = [_Slot() for _ in range(slots)]
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def slot(self, prompt: str) -> AsyncIterator[_Slot]:
        """Wait for a free slot; the one that knows most of the prompt."""
        self.waiting += 1
        try:
            async with self._free:
                await self._free.wait_for(lambda: any(not slot.busy for slot in self._slots))
                free = [slot for slot in self._slots if not slot.busy]
                chosen = max(free, key=lambda slot: _common(slot.known, prompt))
                chosen.busy = True
        finally:
            self.waiting -= 1
        try:
            yield chosen
        finally:
            chosen.busy = False
            async with self._free:
                self._free.notify_all()

    def unload(self) -> None:
        self.loaded = False
        for slot in self._slots:
            slot.known = ""


class _NoModelError(Exception): ...


class _BusyError(Exception): ...


class OllamaServer:
    """`serving()` runs it inside a test; `received` keeps every request, `left` the times at which clients hung up."""

    def __init__(
        self,
        rules: Sequence[Rule] = RULES,
        pace: Pace = Pace(),
        models: Sequence[str] = ("scripted:latest", "tiny:latest"),
        slots: int = 1,
    ) -> None:
        self.rules = list(rules)
        self.pace = pace
        self.faults: deque[Fault] = deque()
        """For the next requests, before any rule."""
        self.received: list[Received] = []
        self.left: list[float] = []
        self.url = ""
        self._models = {name: _Model(slots) for name in models}

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["OllamaServer"]:
        """Serve at 127.0.0.1 during the block; `url` tells where."""
        runner = web.AppRunner(self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()
        await asyncio.sleep(0.01)  # closed connections are let go of in the loop's next rounds

    def of_path(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._keep], client_max_size=64 * 1024 * 1024)
        application.add_routes(
            [
                web.get("/", self._root),
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._loaded),
                web.post("/api/show", self._show),
                web.post("/api/embed", self._embed),
                web.post("/api/chat", self._chat),
                web.post("/api/generate", self._generate),
                web.post("/v1/chat/completions", self._completions),
            ]
        )
        return application

    @web.middleware
    async def _keep(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Keep what came and who left; turn what cannot be into the answers that Ollama gives."""
        now = asyncio.get_running_loop().time
        self.received.append(Received(request.path, dict(request.headers), await request.read(), now()))
        is_openai = request.path.startswith("/v1/")
        try:
            response: web.StreamResponse = await handler(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.append(now())
            raise
        except _NoModelError as err:
            return _error(404, f"model '{err}' not found", is_openai)
        except _BusyError:
            return _error(503, "server busy, please try again. maximum pending requests exceeded", is_openai)
        except ValueError as err:
            return _error(400, str(err), is_openai)
        return response

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [_about(name) for name in self._models]})

    async def _loaded(self, request: web.Request) -> web.Response:
        loaded = [name for name, model in self._models.items() if model.loaded]
        later = "2100-01-01T00:00:00Z"
        return web.json_response({"models": [{**_about(name), "expires_at": later, "size_vram": 0} for name in loaded]})

    async def _show(self, request: web.Request) -> web.Response:
        self._model(await request.json())
        details = {"format": "gguf", "family": "scripted", "parameter_size": "1B", "quantization_level": "Q4_0"}
        about = {"details": details, "model_info": {}, "capabilities": ["completion", "tools"]}
        return web.json_response({"modelfile": "", "parameters": "", "template": "", **about})

    async def _embed(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._model(body)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [_embedding(text) for text in texts]
        tokens = sum(map(_tokens, texts))
        return web.json_response({"model": body["model"], "embeddings": vectors, "prompt_eval_count": tokens})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._model(body)
        messages = body.get("messages") or []
        if not messages:
            return web.json_response(_loading(body, model))
        pieces = self._pieces(model, _rendered(messages, body.get("tools")), self._rule(messages), _most(body))
        return await self._sent(request, pieces, _ChatLines(body["model"]), body.get("stream", True))

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._model(body)
        if not body.get("prompt"):
            return web.json_response(_loading(body, model))
        messages = [{"role": "user", "content": body["prompt"]}]
        prompt = _rendered([{"role": "system", "content": body.get("system", "")}, *messages], None)
        pieces = self._pieces(model, prompt, self._rule(messages), _most(body))
        return await self._sent(request, pieces, _GenerateLines(body["model"]), body.get("stream", True))

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._model(body)
        if not body.get("messages"):
            raise ValueError("[] is too short - 'messages'")
        prompt = _rendered(body["messages"], body.get("tools"))
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        pieces = self._pieces(model, prompt, self._rule(body["messages"]), most)
        return await self._sent(request, pieces, _Events(body["model"]), body.get("stream", False))

    def _model(self, body: Mapping[str, Any]) -> _Model:
        name = str(body.get("model", ""))
        model = self._models.get(name) or self._models.get(f"{name}:latest")
        if model is None:
            raise _NoModelError(name)
        return model

    def _rule(self, messages: Sequence[Mapping[str, Any]]) -> Rule:
        fault = self.faults.popleft() if self.faults else None
        said = [str(message.get("content") or "") for message in messages if message["role"] == "user"]
        ends_with_tool = messages[-1]["role"] == "tool"
        rule = next((rule for rule in self.rules if rule.fits(said[-1] if said else "", ends_with_tool)), Rule())
        if fault or rule.fault:
            return Rule(say="This is never said to its end.", fault=fault or rule.fault)
        return rule

    async def _pieces(
        self, model: _Model, prompt: str, rule: Rule, most_tokens: int | None
    ) -> AsyncGenerator[_Piece, None]:
        """Yield what is said, as fast as the pace allows."""
        if rule.fault is Fault.BUSY or model.waiting >= MOST_WAITING:
            raise _BusyError
        began = asyncio.get_running_loop().time()
        async with model.slot(prompt) as slot:
            await self._load(model)
            loaded = asyncio.get_running_loop().time()
            await self._read(slot, prompt)
            read = asyncio.get_running_loop().time()
            await asyncio.sleep(HANG_SECONDS if rule.fault is Fault.SLOW else rule.wait_seconds)
            words = 0
            async for piece in self._words(rule, most_tokens):
                if isinstance(piece, _Said):
                    words += 1
                    slot.known += piece.text
                yield piece
                if isinstance(piece, _Cut | _Garbled | _Failed):
                    return
            if rule.fault is Fault.NOT_DONE:
                return
            said = asyncio.get_running_loop().time()
            reason = "length" if most_tokens and words >= most_tokens else "stop"
            yield _Ended(
                _ns(loaded - began), _ns(read - loaded), _tokens(prompt), _ns(said - read), max(words, 1), reason
            )

    async def _load(self, model: _Model) -> None:
        if not model.loaded:
            await asyncio.sleep(self.pace.load_seconds)
            model.loaded = True

    async def _read(self, slot: _Slot, prompt: str) -> None:
        """Take as long as what is new takes. Who hangs up meanwhile leaves behind what has been read."""
        loop = asyncio.get_running_loop()
        began, known = loop.time(), _common(slot.known, prompt)
        per_second = self.pace.read * CHARACTERS_PER_TOKEN
        slot.known = prompt
        try:
            await asyncio.sleep((len(prompt) - known) / per_second)
        except asyncio.CancelledError:
            slot.known = prompt[: known + int((loop.time() - began) * per_second)]
            raise

    async def _words(self, rule: Rule, most_tokens: int | None) -> AsyncIterator[_Piece]:
        words = re.findall(r"\S+\s*", rule.say)[: most_tokens or None]
        for number, word in enumerate(words):
            if number == _WORDS_BEFORE_A_FAULT and rule.fault:
                async for piece in _faulty(rule.fault):
                    yield piece
            if rule.calls and number == rule.words_before_calls and not most_tokens:
                yield _Called(rule.calls)
            await asyncio.sleep(1 / self.pace.say)
            yield _Said(word)
        if rule.calls and len(words) <= rule.words_before_calls and not most_tokens:
            yield _Called(rule.calls)

    async def _sent(
        self, request: web.Request, pieces: AsyncGenerator[_Piece, None], lines: "_Lines", stream: bool
    ) -> web.StreamResponse:
        async with aclosing(pieces):
            if not stream:
                return web.json_response(lines.whole([piece async for piece in pieces]))
            first = await anext(pieces)  # a refusal has a status of its own, which must come before all
            response = web.StreamResponse(headers={"Content-Type": lines.content_type})
            await response.prepare(request)
            await self._write(request, response, first, lines)
            async for piece in pieces:
                await self._write(request, response, piece, lines)
        await response.write_eof()
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse, piece: _Piece, lines: "_Lines") -> None:
        if isinstance(piece, _Cut):
            assert request.transport is not None
            request.transport.abort()
            return
        for line in lines.of(piece):
            await response.write(line)


async def _faulty(fault: Fault) -> AsyncIterator[_Piece]:
    match fault:
        case Fault.STALL:
            await asyncio.sleep(HANG_SECONDS)
        case Fault.CUT:
            yield _Cut()
        case Fault.GARBLED:
            yield _Garbled()
        case Fault.ERROR:
            yield _Failed()
        case _:
            return


class _Lines:
    """How pieces are written on the wire."""

    content_type = ""

    def __init__(self, model: str) -> None:
        self._model = model

    def of(self, piece: _Piece) -> Iterator[bytes]:
        raise NotImplementedError

    def whole(self, pieces: Sequence[_Piece]) -> dict[str, Any]:
        raise NotImplementedError


class _ChatLines(_Lines):
    content_type = "application/x-ndjson"

    def of(self, piece: _Piece) -> Iterator[bytes]:
        match piece:
            case _Said(text):
                yield self._line(self._saying(text), done=False)
            case _Called(calls):
                yield self._line({"message": _message("", calls)}, done=False)
            case _Garbled():
                yield b'{"model":"scripted","mess\n'
            case _Failed():
                yield b'{"error":"an error was encountered while running the model"}\n'
            case _Ended():
                yield self._line({**self._saying(""), **_told(piece)}, done=True)

    def whole(self, pieces: Sequence[_Piece]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, _Said))
        calls = tuple(call for piece in pieces if isinstance(piece, _Called) for call in piece.calls)
        ended = [piece for piece in pieces if isinstance(piece, _Ended)]
        said = {"message": _message(text, calls)} if calls else self._saying(text)
        return {"model": self._model, "created_at": _NOW, **said, "done": True, **_told(ended[0])}

    def _line(self, what: Mapping[str, Any], *, done: bool) -> bytes:
        return json.dumps({"model": self._model, "created_at": _NOW, **what, "done": done}).encode() + b"\n"

    def _saying(self, text: str) -> dict[str, Any]:
        return {"message": _message(text, ())}


class _GenerateLines(_ChatLines):
    def _saying(self, text: str) -> dict[str, Any]:
        return {"response": text}


class _Events(_Lines):
    content_type = "text/event-stream"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._called = False

    def of(self, piece: _Piece) -> Iterator[bytes]:
        match piece:
            case _Said(text):
                yield self._chunk({"content": text})
            case _Called(calls):
                self._called = True
                yield from (self._chunk({"tool_calls": [part]}) for part in _parts(calls))
            case _Garbled():
                yield b'data: {"id":"chatcmpl-1","choi\n\n'
            case _Failed():
                yield b'data: {"error":{"message":"the model failed","type":"api_error","code":null,"param":null}}\n\n'
            case _Ended(reason=reason):
                yield self._chunk({}, "tool_calls" if self._called else reason)
                yield b"data: [DONE]\n\n"

    def whole(self, pieces: Sequence[_Piece]) -> dict[str, Any]:
        text = "".join(piece.text for piece in pieces if isinstance(piece, _Said))
        calls = [_openai_call(call, n) for p in pieces if isinstance(p, _Called) for n, call in enumerate(p.calls)]
        message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return {**self._envelope("chat.completion"), "choices": [choice]}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}
        chunk = {**self._envelope("chat.completion.chunk"), "choices": [choice]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": self._model}


_NOW = "2026-01-01T00:00:00.000000Z"


def _message(text: str, calls: Sequence[Call]) -> dict[str, Any]:
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


def _told(ended: _Ended) -> dict[str, Any]:
    return {
        "done_reason": ended.reason,
        "total_duration": ended.load + ended.read + ended.said,
        "load_duration": ended.load,
        "prompt_eval_count": ended.read_tokens,  # of the whole prompt, known or not, as Ollama counts
        "prompt_eval_duration": ended.read,
        "eval_count": ended.said_tokens,
        "eval_duration": ended.said,
    }


def _loading(body: Mapping[str, Any], model: _Model) -> dict[str, Any]:
    """Load or, with `keep_alive` 0, unload a model, as a request without messages does."""
    unloads = body.get("keep_alive") in {0, "0"}
    if unloads:
        model.unload()
    else:
        model.loaded = True
    reason = "unload" if unloads else "load"
    about = {"model": body["model"], "created_at": _NOW, "done": True, "done_reason": reason}
    return {**about, "message": _message("", ()), "response": ""}


def _rendered(messages: Sequence[Mapping[str, Any]], tools: Any) -> str:
    """Return what a model's template makes of a request: the string that it reads."""
    offered = f"<|tools|>{json.dumps(tools)}\n" if tools else ""
    return offered + "".join(map(_line, messages)) + "<|assistant|>"


def _line(message: Mapping[str, Any]) -> str:
    calls = f"<|calls|>{json.dumps(message['tool_calls'])}" if message.get("tool_calls") else ""
    return f"<|{message['role']}|>{message.get('content') or ''}{calls}"


def _common(known: str, prompt: str) -> int:
    """Return how many characters two strings begin with alike."""
    low, high = 0, min(len(known), len(prompt))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if known[:middle] == prompt[:middle] else (low, middle - 1)
    return low


def _most(body: Mapping[str, Any]) -> int | None:
    most = (body.get("options") or {}).get("num_predict")
    return most if isinstance(most, int) and most > 0 else None


def _tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN + 1


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


def _about(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": _NOW,
        "size": 1,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
    }


def _embedding(text: str) -> list[float]:
    """Return a vector of length one, the same for the same words."""
    vector = [0.0] * EMBEDDING_SIZE
    for word in re.findall(r"\w+", text.casefold()) or [""]:
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % EMBEDDING_SIZE] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def _error(status: int, text: str, is_openai: bool) -> web.Response:
    about = {"message": text, "type": "api_error", "param": None, "code": None}
    return web.json_response({"error": about if is_openai else text}, status=status)


def rules_in(path: Path) -> tuple[Rule, ...]:
    """Read `[[rules]]` with a Rule's fields, and `calls` as tables of name and arguments, from a TOML file."""
    return tuple(_rule(entry) for entry in tomllib.loads(path.read_text("utf-8"))["rules"])


def _rule(entry: Mapping[str, Any]) -> Rule:
    calls = tuple(Call(**call) for call in entry.get("calls", ()))
    fault = Fault(entry["fault"]) if "fault" in entry else None
    return Rule(**{**entry, "calls": calls, "fault": fault})


async def _run(arguments: argparse.Namespace) -> None:
    pace = Pace(arguments.read, arguments.say, arguments.load)
    rules = rules_in(arguments.rules) if arguments.rules else RULES
    async with OllamaServer(rules, pace, arguments.model, arguments.slots).serving(arguments.port) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted server that speaks Ollama's HTTP API")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append", help="a model's name; may be given again")
    parser.add_argument("--rules", type=Path, help="TOML file with [[rules]]")
    parser.add_argument("--read", type=float, default=500.0, help="tokens a second")
    parser.add_argument("--say", type=float, default=40.0, help="tokens a second")
    parser.add_argument("--load", type=float, default=0.0, help="seconds to load a model")
    parser.add_argument("--slots", type=int, default=1, help="requests at once, as OLLAMA_NUM_PARALLEL")
    arguments = parser.parse_args()
    arguments.model = arguments.model or ["scripted:latest", "tiny:latest"]
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(arguments))


if __name__ == "__main__":
    main()
