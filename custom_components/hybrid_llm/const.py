"""Names of the component's settings, with their defaults."""

from typing import Final

DOMAIN: Final = "hybrid_llm"

CONF_KIND: Final = "kind"
KIND_OLLAMA: Final = "ollama"
KIND_DAEMON: Final = "daemon"
CONF_FILLER_MODEL: Final = "filler_model"

CONF_PROMPT: Final = "prompt"
CONF_TOOLS: Final = "tools"
CONF_NATIVE: Final = "native"
NATIVE_STRICT: Final = "strict"
NATIVE_LOOSE: Final = "loose"
NATIVE_NONE: Final = "none"
CONF_LANGUAGES: Final = "languages"
CONF_HISTORY: Final = "history"
CONF_CONTEXT: Final = "context_tokens"
CONF_COOLDOWN: Final = "cooldown"
CONF_FILLER: Final = "filler"
CONF_FILLER_PLAYER: Final = "filler_player"

DEFAULT_URL: Final = "http://localhost:11434"
DEFAULT_DAEMON_PORT: Final = 10550
DEFAULT_HISTORY: Final = 6
DEFAULT_CONTEXT: Final = 8192
MIN_CONTEXT: Final = 2048
DEFAULT_COOLDOWN: Final = 10

SERVICE_WARM: Final = "warm"
CHECK_SECONDS: Final = 5.0
