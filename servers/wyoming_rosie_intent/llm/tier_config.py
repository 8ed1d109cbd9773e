"""Settings of a tier: its model, the model's server, and the key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from wyoming_rosie.config import check_limits, option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.hosts import is_local
from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie_intent.llm.endpoint import Endpoint, EndpointModel, ModelClient
from wyoming_rosie_intent.llm.model import Model, Prompt
from wyoming_rosie_intent.llm.prompts import token_counter
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow
from wyoming_rosie_intent.llm.timeouts import AnswerTimeouts

PROVIDERS = EngineRegistry("wyoming_rosie_intent.llm.providers", entry="provider")
ANSWER_SHARE, THINKING_SHARE = 8, 3
"""An answer may take an eighth of the context, a third with reasoning."""


class ServedModel(Model, Protocol):
    async def complete(self, prompt: Prompt) -> str:
        """Return a whole answer that nobody waits for. Raises ModelError."""
        ...

    async def close(self) -> None:
        """Close the connections."""


@PROVIDERS.configures("provider")
@dataclass(frozen=True)
class TierSettings:
    """A language model; absent without a model's name."""

    model: str = option("", "the model's name at its server; without one, this tier is absent")
    provider: str = option("ollama", "what the server speaks: ollama, or openai for all that copy OpenAI's API")
    url: str = option("http://127.0.0.1:11434", "the server's address; for openai with the version, such as /v1")
    key_file: Path | None = option(None, "file that holds the server's key")
    key_variable: str = option("", "name of the environment variable that holds the server's key")
    first_token_seconds: float = option(8.0, "until the first token; then the next tier is asked", minimum=0.001)
    stall_seconds: float = option(5.0, "between two tokens; then the next tier is asked", minimum=0.001)
    total_seconds: float = option(60.0, "for a whole answer; then the next tier is asked", minimum=0.001)
    context_tokens: int = option(
        8192, "size of the context, prompt and answer together; prompts are made to fit", minimum=1
    )
    tokenizer: Path | None = option(None, "the model's tokenizer.json, to count tokens with (pip install tokenizers)")
    answer_tokens: int = option(1024, "most tokens of an answer, reasoning included", minimum=1)
    temperature: float | None = option(None, "sampling temperature, 0 to 2; without it the model's own")
    keep_alive: str = option("30m", "how long the server keeps the model loaded, -1 for ever (ollama)")
    think: bool = option(False, "let the model reason before it answers, which takes long (ollama)")


@dataclass(frozen=True)
class NetworkSettings(TierSettings):
    """A language model on another machine of this network."""

    url: str = option("", "the server's address, such as http://gpu.lan:11434")


@PROVIDERS.configures("provider")
@dataclass(frozen=True)
class CloudSettings(TierSettings):
    """A language model outside this home."""

    allowed: bool = option(False, "let what people say leave this home; never from private rooms")
    provider: str = option("openai", "what the server speaks: ollama, or openai for all that copy OpenAI's API")
    url: str = option("https://api.openai.com/v1", "the server's address, with the version")


def load(name: str, settings: TierSettings) -> ServedModel | None:
    """Return the tier's model, None without one; nothing is sent yet. Slow: imports a client. Raises ConfigError."""
    if not settings.model:
        return None
    endpoint = create_endpoint(name, settings)
    client: ModelClient = PROVIDERS.load(settings.provider, settings, endpoint)
    return EndpointModel(endpoint, client)


def create_endpoint(name: str, settings: TierSettings) -> Endpoint:
    """Return the endpoint of the tier's model. Raises ConfigError, which names the wrong setting."""
    key = _read_key(name, settings)
    _validate(name, settings, key)
    return Endpoint(
        f"{name} ({settings.model})",
        settings.url,
        settings.model,
        key,
        AnswerTimeouts(settings.first_token_seconds, settings.stall_seconds, settings.total_seconds),
        settings.context_tokens,
        _limit_answer_tokens(settings),
        settings.temperature,
        settings.keep_alive,
        settings.think,
    )


def create_context_window(settings: TierSettings) -> ContextWindow:
    """Return the tier's context window; reads its tokenizer. Raises ConfigError."""
    return ContextWindow(
        settings.context_tokens, _limit_answer_tokens(settings), token_counter.load(settings.tokenizer)
    )


def _limit_answer_tokens(settings: TierSettings) -> int:
    share = THINKING_SHARE if settings.think else ANSWER_SHARE
    return max(1, min(settings.answer_tokens, settings.context_tokens // share))


def _validate(name: str, settings: TierSettings, key: Secret | None) -> None:
    host = _parse_host(name, settings.url)
    if key and urlsplit(settings.url).scheme == "http" and not is_local(host):
        raise ConfigError(f"--{name}.url: a key is sent over https only; write https://{host}…")
    check_limits(settings, f"--{name}.")


def _parse_host(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as err:
        raise ConfigError(f"--{name}.url: {err}; write it as http://HOST:PORT") from err
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"--{name}.url: write an address such as http://HOST:PORT")
    if parts.username or parts.query:
        raise ConfigError(f"--{name}.url: no user, key or query in it; give the key by --{name}.key-file")
    return parts.hostname


def _read_key(name: str, settings: TierSettings) -> Secret | None:
    if settings.key_file and settings.key_variable:
        raise ConfigError(f"--{name}: give key-file or key-variable, not both")
    if settings.key_file:
        return Secret.from_file(settings.key_file, f"--{name}.key-file")
    if not settings.key_variable:
        return None
    key = Secret.from_variable(settings.key_variable)
    if key is None:
        raise ConfigError(f"--{name}.key-variable: the environment variable {settings.key_variable} is not set")
    return key
