"""Config flow: the server or daemon that thinks, and the options of the agent."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_MODEL, CONF_PORT, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers import selector as sel
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from yarl import URL

from .client import OllamaClient, OllamaError
from .const import (
    CHECK_SECONDS,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_FILLER,
    CONF_FILLER_MODEL,
    CONF_FILLER_PLAYER,
    CONF_HISTORY,
    CONF_KIND,
    CONF_LANGUAGES,
    CONF_NATIVE,
    CONF_PROMPT,
    CONF_TOOLS,
    DEFAULT_CONTEXT,
    DEFAULT_COOLDOWN,
    DEFAULT_DAEMON_PORT,
    DEFAULT_HISTORY,
    DEFAULT_URL,
    DOMAIN,
    KIND_DAEMON,
    KIND_OLLAMA,
    MIN_CONTEXT,
    NATIVE_LOOSE,
    NATIVE_NONE,
    NATIVE_STRICT,
)
from .daemon import DaemonError, IntentDaemon
from .home import Settings, create_context, render_prompt
from .rules.prompt import ANSWER_TOKENS, DEFAULT_INSTRUCTIONS, SENTENCE_TOKENS
from .runtime import change_entry

_PASSWORD = sel.TextSelector(sel.TextSelectorConfig(type=sel.TextSelectorType.PASSWORD))
_URL = sel.TextSelector(sel.TextSelectorConfig(type=sel.TextSelectorType.URL))
_SERVER = vol.Schema({vol.Required(CONF_URL): _URL, vol.Optional(CONF_API_KEY): _PASSWORD})
_DAEMON = vol.Schema(
    {vol.Required(CONF_HOST): str, vol.Required(CONF_PORT): vol.All(vol.Coerce(int), vol.Range(1, 65535))}
)
_KEY = vol.Schema({vol.Optional(CONF_API_KEY): _PASSWORD})
DEFAULT_OPTIONS = {CONF_TOOLS: [llm.LLM_API_ASSIST], CONF_FILLER: True, CONF_NATIVE: NATIVE_STRICT}


class HybridConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sets up an agent: first the address, which is tried at once, then its models."""

    VERSION = 1

    def __init__(self) -> None:
        self._server: dict[str, Any] = {}
        self._models: list[str] = []
        self._found: dict[str, Any] = {}  # the daemon that was discovered
        self._title = ""

    @staticmethod
    @callback
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return HybridOptionsFlow()

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(step_id="user", menu_options=[KIND_OLLAMA, KIND_DAEMON])

    async def async_step_ollama(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            self._server = _clean(user_input)
            errors = await self._check_server()
            if not errors:
                return await self.async_step_model()
        shown = self.add_suggested_values_to_schema(_SERVER, user_input or {CONF_URL: DEFAULT_URL})
        return self.async_show_form(step_id="ollama", data_schema=shown, errors=errors)

    async def async_step_model(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        if user_input is not None:
            data = {CONF_KIND: KIND_OLLAMA, **self._server, **_clean(user_input)}
            await self.async_set_unique_id(f"{data[CONF_URL]}|{data[CONF_MODEL]}")
            self._abort_if_unique_id_configured()
            return self.async_create_entry(title=f"Hybrid {data[CONF_MODEL]}", data=data, options=DEFAULT_OPTIONS)
        return self.async_show_form(step_id="model", data_schema=_model_schema(self._models, {}))

    async def async_step_daemon(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            title, errors = await _check_daemon(user_input)
            if not errors:
                self._async_abort_entries_match(user_input)
                return self._create_daemon(user_input, title)
        shown = self.add_suggested_values_to_schema(_DAEMON, user_input or {CONF_PORT: DEFAULT_DAEMON_PORT})
        return self.async_show_form(step_id="daemon", data_schema=shown, errors=errors)

    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        self._found = {CONF_HOST: discovery_info.host, CONF_PORT: discovery_info.port}
        await self.async_set_unique_id(discovery_info.name.partition("._wyoming")[0])
        self._abort_if_unique_id_configured(updates=self._found)  # it has moved
        self._async_abort_entries_match(self._found)
        self._title, errors = await _check_daemon(self._found)
        if errors:
            return self.async_abort(reason=errors["base"])
        self.context["title_placeholders"] = {"name": self._title}
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        if user_input is not None:
            return self._create_daemon(self._found, self._title)
        placeholders = {"name": self._title, "host": str(self._found[CONF_HOST])}
        return self.async_show_form(step_id="confirm", description_placeholders=placeholders)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            self._server = _clean({CONF_URL: entry.data[CONF_URL], **user_input})
            errors = await self._check_server()
            if not errors:
                data = {name: value for name, value in entry.data.items() if name != CONF_API_KEY}
                change_entry(self.hass, entry, {**data, **self._server})
                return self.async_abort(reason="reauth_successful")
        return self.async_show_form(step_id="reauth_confirm", data_schema=_KEY, errors=errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        if entry.data[CONF_KIND] == KIND_DAEMON:
            return await self._reconfigure_daemon(entry, user_input)
        errors: dict[str, str] = {}
        if user_input is not None:
            self._server = _clean(user_input)
            errors = await self._check_server()
            if not errors:
                return await self.async_step_reconfigure_model()
        shown = self.add_suggested_values_to_schema(_SERVER, user_input or entry.data)
        return self.async_show_form(step_id="reconfigure", data_schema=shown, errors=errors)

    async def async_step_reconfigure_model(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            data = {CONF_KIND: KIND_OLLAMA, **self._server, **_clean(user_input)}
            return self._reconfigure(entry, data, f"{data[CONF_URL]}|{data[CONF_MODEL]}")
        return self.async_show_form(step_id="reconfigure_model", data_schema=_model_schema(self._models, entry.data))

    async def _reconfigure_daemon(self, entry: ConfigEntry, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            _, errors = await _check_daemon(user_input)
            if not errors:
                return self._reconfigure(entry, {CONF_KIND: KIND_DAEMON, **user_input}, entry.unique_id)
        shown = self.add_suggested_values_to_schema(_DAEMON, user_input or entry.data)
        return self.async_show_form(step_id="reconfigure", data_schema=shown, errors=errors)

    def _reconfigure(self, entry: ConfigEntry, data: dict[str, Any], unique_id: str | None) -> ConfigFlowResult:
        others = [one for one in self._async_current_entries() if one.entry_id != entry.entry_id]
        address = {name: data[name] for name in (CONF_URL, CONF_MODEL, CONF_HOST, CONF_PORT) if name in data}
        if any(address.items() <= one.data.items() for one in others):
            return self.async_abort(reason="already_configured")
        change_entry(self.hass, entry, data, unique_id=unique_id)
        return self.async_abort(reason="reconfigure_successful")

    def _create_daemon(self, address: Mapping[str, Any], title: str) -> ConfigFlowResult:
        data = {CONF_KIND: KIND_DAEMON, CONF_HOST: address[CONF_HOST], CONF_PORT: address[CONF_PORT]}
        return self.async_create_entry(title=f"Hybrid {title}", data=data, options=DEFAULT_OPTIONS)

    async def _check_server(self) -> dict[str, str]:
        """Find the server's models; return what is wrong with it."""
        if not _is_url(self._server.get(CONF_URL)):
            return {CONF_URL: "invalid_url"}
        client = OllamaClient(
            async_get_clientsession(self.hass), self._server[CONF_URL], self._server.get(CONF_API_KEY)
        )
        try:
            self._models = await client.find_models(CHECK_SECONDS)
        except OllamaError as err:
            return {"base": err.cause.value}
        return {} if self._models else {"base": "no_models"}


class HybridOptionsFlow(OptionsFlow):
    """Changes the options, and shows the length of the prompt before they are kept."""

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}
        self._sizes: dict[str, str] = {}

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            self._options = user_input
            if self.config_entry.data[CONF_KIND] == KIND_DAEMON:
                return await self.async_step_save()
            self._sizes, errors = await _measure(self.hass, user_input)
            if not errors:
                return await self.async_step_preview()
        is_daemon = self.config_entry.data[CONF_KIND] == KIND_DAEMON
        schema = _options_schema(self.hass, is_daemon=is_daemon)
        known = self._options or {CONF_PROMPT: DEFAULT_INSTRUCTIONS, **self.config_entry.options}
        shown = self.add_suggested_values_to_schema(schema, known)
        return self.async_show_form(step_id="init", data_schema=shown, errors=errors)

    async def async_step_preview(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(
            step_id="preview", menu_options=["save", "init"], description_placeholders=self._sizes
        )

    async def async_step_save(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_create_entry(data=self._options)


def _options_schema(hass: HomeAssistant, *, is_daemon: bool) -> vol.Schema:
    shared: dict[Any, Any] = {
        vol.Required(CONF_NATIVE, default=NATIVE_STRICT): sel.SelectSelector(
            sel.SelectSelectorConfig(options=[NATIVE_STRICT, NATIVE_LOOSE, NATIVE_NONE], translation_key=CONF_NATIVE)
        ),
        vol.Optional(CONF_LANGUAGES): sel.TextSelector(sel.TextSelectorConfig(multiple=True)),
        vol.Required(CONF_COOLDOWN, default=DEFAULT_COOLDOWN): _number(0, 300),
        vol.Required(CONF_FILLER, default=True): sel.BooleanSelector(),
        vol.Optional(CONF_FILLER_PLAYER): sel.EntitySelector(sel.EntitySelectorConfig(domain="media_player")),
    }
    if is_daemon:
        return vol.Schema(shared)
    apis = [sel.SelectOptionDict(value=api.id, label=api.name) for api in llm.async_get_apis(hass)]
    return vol.Schema(
        {
            vol.Optional(CONF_PROMPT): sel.TemplateSelector(),
            vol.Optional(CONF_TOOLS): sel.SelectSelector(sel.SelectSelectorConfig(options=apis, multiple=True)),
            vol.Required(CONF_HISTORY, default=DEFAULT_HISTORY): _number(0, 50),
            vol.Required(CONF_CONTEXT, default=DEFAULT_CONTEXT): _number(MIN_CONTEXT, 131072, 1024),
            **shared,
        }
    )


def _number(least: int, most: int, step: int = 1) -> sel.NumberSelector:
    return sel.NumberSelector(sel.NumberSelectorConfig(min=least, max=most, step=step, mode=sel.NumberSelectorMode.BOX))


def _model_schema(models: list[str], chosen: Mapping[str, Any]) -> vol.Schema:
    choice = sel.SelectSelector(sel.SelectSelectorConfig(options=models))
    filler = chosen.get(CONF_FILLER_MODEL)
    known = {"default": chosen[CONF_MODEL]} if chosen.get(CONF_MODEL) in models else {}
    return vol.Schema(
        {
            vol.Required(CONF_MODEL, **known): choice,
            vol.Optional(
                CONF_FILLER_MODEL, description={"suggested_value": filler} if filler in models else None
            ): choice,
        }
    )


async def _measure(hass: HomeAssistant, options: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the size of the prompt that the options make, or what is wrong with them."""
    apis, context_tokens = options.get(CONF_TOOLS) or (), int(options[CONF_CONTEXT])
    settings = Settings(options.get(CONF_PROMPT) or DEFAULT_INSTRUCTIONS, tuple(apis), context_tokens)
    if len(apis) > 1 and not hasattr(llm, "MergedAPI"):
        return {}, {CONF_TOOLS: "one_api"}
    try:
        prompt, _ = await render_prompt(hass, settings, create_context(None, None, hass.config.language))
    except HomeAssistantError:
        return {}, {CONF_PROMPT: "invalid_template"}
    if prompt.tokens + ANSWER_TOKENS + SENTENCE_TOKENS > context_tokens:
        return {}, {CONF_CONTEXT: "context_too_small"}
    sizes = {"characters": len(prompt.system) + len(prompt.now), "tokens": prompt.tokens, "context": context_tokens}
    return {name: str(value) for name, value in {**sizes, "left_out": prompt.left_out}.items()}, {}


async def _check_daemon(address: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the daemon's name, or what is wrong with it."""
    try:
        return await IntentDaemon(address[CONF_HOST], address[CONF_PORT]).describe(), {}
    except (DaemonError, TimeoutError) as err:
        is_other = isinstance(err, DaemonError) and err.__cause__ is None
        return "", {"base": "not_a_daemon" if is_other else "cannot_connect"}


def _clean(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were filled in; a URL loses its trailing slash."""
    stripped = {name: value.strip() if isinstance(value, str) else value for name, value in user_input.items()}
    if isinstance(stripped.get(CONF_URL), str):
        stripped[CONF_URL] = stripped[CONF_URL].rstrip("/")
    return {name: value for name, value in stripped.items() if value not in (None, "")}


def _is_url(text: object) -> bool:
    try:
        url = URL(str(text))
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)
