"""A scripted server for Ollama's HTTP API and the part of OpenAI's that others copy.

Its answers come from rules; their latency depends, as with a real server, on the cached part of the prompt. It tells
nothing about the quality of any model. As a program: `python -m tests.ollama_server --port 11434`.
"""

import argparse
import asyncio
import hashlib
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.ollama_lines import NOW, ChatFormat, GenerateFormat, OpenaiFormat, SentCut, SentEvent, WireFormat, message
from tests.ollama_model import FAST, ModelSpeed, ScriptedModel, ServerBusyError, count_tokens
from tests.ollama_script import RULES, Fault, Rule, load_rules

VERSION = "0.12.0"
EMBEDDING_SIZE = 64


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request; `at` is the event loop's time."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class _NoModelError(Exception): ...


class OllamaServer:
    """`run()` runs it in a test; `received` has all requests, `left` the times at which clients disconnected."""

    def __init__(
        self,
        rules: Sequence[Rule] = RULES,
        pace: ModelSpeed = FAST,
        models: Sequence[str] = ("scripted:latest", "tiny:latest"),
        slots: int = 1,
        *,
        takes_tools: bool = True,
    ) -> None:
        self.rules = list(rules)
        self.faults: deque[Fault] = deque()
        """Faults of the next requests; they take precedence over the rules."""
        self.received: list[ReceivedRequest] = []
        self.left: list[float] = []
        self.url = ""
        self._takes_tools = takes_tools
        self._models = {name: ScriptedModel(pace, slots) for name in models}

    @asynccontextmanager
    async def run(self, port: int = 0) -> AsyncIterator["OllamaServer"]:
        """Serve on 127.0.0.1 during the block; `url` is the address."""
        runner = web.AppRunner(
            self._create_application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def finish_loading(self) -> None:
        """Have all models loaded from now on."""
        for model in self._models.values():
            model.loaded.set()

    @property
    def characters_read(self) -> list[int]:
        """Characters read of each prompt of the first model, without the cached beginning."""
        return next(iter(self._models.values())).characters_read

    def requests_to(self, path: str) -> list[ReceivedRequest]:
        return [one for one in self.received if one.path == path]

    def _create_application(self) -> web.Application:
        application = web.Application(middlewares=[self._record_request], client_max_size=64 * 1024 * 1024)
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
    async def _record_request(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Record requests and disconnections; turn errors into Ollama's responses."""
        now = asyncio.get_running_loop().time
        self.received.append(ReceivedRequest(request.path, dict(request.headers), await request.read(), now()))
        is_openai = request.path.startswith("/v1/")
        try:
            response: web.StreamResponse = await handler(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.append(now())
            raise
        except _NoModelError as err:
            return _create_error(404, f"model '{err}' not found", is_openai)
        except ServerBusyError:
            return _create_error(503, "server busy, please try again. maximum pending requests exceeded", is_openai)
        except ValueError as err:
            return _create_error(400, str(err), is_openai)
        return response

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [_describe_model(name) for name in self._models]})

    async def _loaded(self, request: web.Request) -> web.Response:
        loaded = [name for name, model in self._models.items() if model.loaded.is_set()]
        later = "2100-01-01T00:00:00Z"
        return web.json_response(
            {"models": [{**_describe_model(name), "expires_at": later, "size_vram": 0} for name in loaded]}
        )

    async def _show(self, request: web.Request) -> web.Response:
        self._find_model(await request.json())
        details = {"format": "gguf", "family": "scripted", "parameter_size": "1B", "quantization_level": "Q4_0"}
        about = {"details": details, "model_info": {}, "capabilities": ["completion", "tools"]}
        return web.json_response({"modelfile": "", "parameters": "", "template": "", **about})

    async def _embed(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._find_model(body)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [_create_embedding(text) for text in texts]
        read = sum(map(count_tokens, texts))
        return web.json_response({"model": body["model"], "embeddings": vectors, "prompt_eval_count": read})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._find_model(body)
        messages = body.get("messages") or []
        if not messages:
            return web.json_response(_load_or_unload(body, model))
        pieces = model.answer(
            _render_prompt(messages, body.get("tools")), self._find_rule(messages), _get_token_limit(body)
        )
        return await self._send(request, pieces, ChatFormat(body["model"]), body.get("stream", True))

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._find_model(body)
        if not body.get("prompt"):
            return web.json_response(_load_or_unload(body, model))
        messages = [{"role": "user", "content": body["prompt"]}]
        prompt = _render_prompt([{"role": "system", "content": body.get("system", "")}, *messages], None)
        pieces = model.answer(prompt, self._find_rule(messages), _get_token_limit(body))
        return await self._send(request, pieces, GenerateFormat(body["model"]), body.get("stream", True))

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = self._find_model(body)
        if not body.get("messages"):
            raise ValueError("[] is too short - 'messages'")
        prompt = _render_prompt(body["messages"], body.get("tools"))
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        pieces = model.answer(prompt, self._find_rule(body["messages"]), most)
        return await self._send(request, pieces, OpenaiFormat(body["model"]), body.get("stream", False))

    def _find_model(self, body: Mapping[str, Any]) -> ScriptedModel:
        name = str(body.get("model", ""))
        model = self._models.get(name) or self._models.get(f"{name}:latest")
        if model is None:
            raise _NoModelError(name)
        if body.get("tools") and not self._takes_tools:
            raise ValueError(f"registry.ollama.ai/library/{name} does not support tools")
        return model

    def _find_rule(self, messages: Sequence[Mapping[str, Any]]) -> Rule:
        fault = self.faults.popleft() if self.faults else None
        said = [str(message.get("content") or "") for message in messages if message["role"] == "user"]
        ends_with_tool = messages[-1]["role"] == "tool"
        rule = next((rule for rule in self.rules if rule.matches(said[-1] if said else "", ends_with_tool)), Rule())
        if fault or rule.fault:
            return Rule(say="This is never said to its end.", fault=fault or rule.fault)
        return rule

    async def _send(
        self, request: web.Request, pieces: AsyncGenerator[SentEvent, None], lines: WireFormat, stream: bool
    ) -> web.StreamResponse:
        async with aclosing(pieces):
            if not stream:
                return web.json_response(lines.encode_complete([piece async for piece in pieces]))
            first = await anext(pieces)  # an error before it decides the status of the response
            response = web.StreamResponse(headers={"Content-Type": lines.content_type})
            await response.prepare(request)
            await self._write(request, response, first, lines)
            async for piece in pieces:
                await self._write(request, response, piece, lines)
        await response.write_eof()
        return response

    async def _write(
        self, request: web.Request, response: web.StreamResponse, piece: SentEvent, lines: WireFormat
    ) -> None:
        if isinstance(piece, SentCut):
            assert request.transport is not None
            request.transport.abort()
            return
        for line in lines.encode(piece):
            await response.write(line)


def _load_or_unload(body: Mapping[str, Any], model: ScriptedModel) -> dict[str, Any]:
    """Load the model or, with `keep_alive` 0, unload it: the effect of a request without messages."""
    unloads = body.get("keep_alive") in {0, "0"}
    if unloads:
        model.unload()
    else:
        model.loaded.set()
    reason = "unload" if unloads else "load"
    about = {"model": body["model"], "created_at": NOW, "done": True, "done_reason": reason}
    return {**about, "message": message("", ()), "response": ""}


def _render_prompt(messages: Sequence[Mapping[str, Any]], tools: Any) -> str:
    """Render a request as a chat template does: the string that the model reads."""
    offered = f"<|tools|>{json.dumps(tools)}\n" if tools else ""
    return offered + "".join(map(_render_message, messages)) + "<|assistant|>"


def _render_message(message: Mapping[str, Any]) -> str:
    calls = f"<|calls|>{json.dumps(message['tool_calls'])}" if message.get("tool_calls") else ""
    return f"<|{message['role']}|>{message.get('content') or ''}{calls}"


def _get_token_limit(body: Mapping[str, Any]) -> int | None:
    most = (body.get("options") or {}).get("num_predict")
    return most if isinstance(most, int) and most > 0 else None


def _describe_model(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": NOW,
        "size": 1,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
    }


def _create_embedding(text: str) -> list[float]:
    """Return a unit vector that depends on the words alone."""
    vector = [0.0] * EMBEDDING_SIZE
    for word in re.findall(r"\w+", text.casefold()) or [""]:
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % EMBEDDING_SIZE] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def _create_error(status: int, text: str, is_openai: bool) -> web.Response:
    about = {"message": text, "type": "api_error", "param": None, "code": None}
    return web.json_response({"error": about if is_openai else text}, status=status)


async def _run(arguments: argparse.Namespace) -> None:
    pace = ModelSpeed(arguments.read, arguments.say, arguments.load)
    rules = load_rules(arguments.rules) if arguments.rules else RULES
    async with OllamaServer(rules, pace, arguments.model, arguments.slots, takes_tools=not arguments.no_tools).run(
        arguments.port
    ) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted server for Ollama's HTTP API")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append", help="name of a model; may be repeated")
    parser.add_argument("--rules", type=Path, help="TOML file with [[rules]]")
    parser.add_argument("--read", type=float, default=500.0, help="tokens a second")
    parser.add_argument("--say", type=float, default=40.0, help="tokens a second")
    parser.add_argument("--load", type=float, default=0.0, help="seconds to load a model")
    parser.add_argument("--no-tools", action="store_true", help="refuse requests with tools")
    parser.add_argument("--slots", type=int, default=1, help="concurrent requests, like OLLAMA_NUM_PARALLEL")
    arguments = parser.parse_args()
    arguments.model = arguments.model or ["scripted:latest", "tiny:latest"]
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(arguments))


if __name__ == "__main__":
    main()
