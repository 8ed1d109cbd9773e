"""What the component reads of Home Assistant: entities, areas, tools, pipelines and speakers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from homeassistant.components import conversation
from homeassistant.components.assist_pipeline import Pipeline, PipelineNotFound, async_get_pipelines
from homeassistant.components.assist_pipeline.pipeline import async_get_pipeline
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.core import Context, HomeAssistant, State, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm, template
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .rules import prompt as texts

_ATTRIBUTES = (
    "unit_of_measurement", "current_temperature", "temperature", "brightness", "current_position", "percentage",
    "volume_level", "media_title", "humidity",
)  # fmt: skip
_PLAIN_CHARACTERS = 40


@dataclass(frozen=True)
class Settings:
    """The entry's options, as a prompt needs them."""

    instructions: str
    apis: tuple[str, ...]
    context_tokens: int


@callback
def find_area(hass: HomeAssistant, device_id: str | None) -> str:
    """Return the name of a device's area; empty without one."""
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    area = ar.async_get(hass).async_get_area(device.area_id) if device and device.area_id else None
    return area.name if area else ""


@callback
def find_exposed(hass: HomeAssistant) -> list[texts.HomeEntity]:
    """Return the entities that are exposed to voice assistants."""
    states = hass.states.async_all()
    return [
        _describe(hass, state) for state in states if async_should_expose(hass, conversation.DOMAIN, state.entity_id)
    ]


def _describe(hass: HomeAssistant, state: State) -> texts.HomeEntity:
    entry = er.async_get(hass).async_get(state.entity_id)
    area = ""
    if entry is not None:
        own = ar.async_get(hass).async_get_area(entry.area_id) if entry.area_id else None
        area = own.name if own else find_area(hass, entry.device_id)
    aliases = tuple(sorted(alias for alias in entry.aliases if isinstance(alias, str) and alias)) if entry else ()
    return texts.HomeEntity(state.entity_id, state.name, area, _describe_state(state), aliases)


def _describe_state(state: State) -> str:
    parts = [_plain(state.state)]
    if state.state not in {"off", "unavailable", "unknown"}:
        present = ((name, state.attributes.get(name)) for name in _ATTRIBUTES)
        parts += [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in present if value not in (None, "")]
    return ", ".join(parts)


def _plain(value: object) -> str:
    text = str(value)
    return (
        text
        if text.replace("_", "").replace(".", "").isalnum() and len(text) < _PLAIN_CHARACTERS
        else texts.quote(text)
    )


@callback
def create_context(
    user_input: conversation.ConversationInput | None, device_id: str | None, language: str | None
) -> llm.LLMContext:
    """Return the context in which tools are offered and called."""
    if user_input is not None and hasattr(user_input, "as_llm_context"):
        made: llm.LLMContext = user_input.as_llm_context(DOMAIN)
        return made
    fields: dict[str, Any] = {
        "platform": DOMAIN,
        "context": user_input.context if user_input else Context(),
        "language": user_input.language if user_input else language,
        "assistant": conversation.DOMAIN,
        "device_id": user_input.device_id if user_input else device_id,
    }
    if "user_prompt" in llm.LLMContext.__dataclass_fields__:  # until Home Assistant 2025.6
        fields["user_prompt"] = user_input.text if user_input else None
    return llm.LLMContext(**fields)


async def load_tools(hass: HomeAssistant, apis: Iterable[str], context: llm.LLMContext) -> llm.APIInstance | None:
    """Return the tools of the chosen APIs; those that are gone are left out. Raises HomeAssistantError."""
    known = {api.id for api in llm.async_get_apis(hass)}
    wanted = [api for api in apis if api in known]
    if not wanted:
        return None
    one_or_more: Any = wanted if len(wanted) > 1 else wanted[0]  # until Home Assistant 2025.6 one only
    return await llm.async_get_api(hass, one_or_more, context)


def format_tool(tool: llm.Tool, serializer: Any) -> dict[str, Any]:
    """Return a tool as Ollama takes it."""
    parameters = _to_schema(tool.parameters, serializer)
    parameters = {"type": "object", "properties": {}, **parameters}
    function = {"name": tool.name, "description": tool.description or "", "parameters": parameters}
    return {"type": "function", "function": function}


def _to_schema(schema: Any, serializer: Any) -> dict[str, Any]:
    try:
        from probatio import to_openapi
    except ImportError:  # until Home Assistant 2026.9
        from voluptuous_openapi import convert

        return dict(convert(schema, custom_serializer=serializer))
    return dict(to_openapi(schema, custom_serializer=serializer, openapi_version="3.1.0"))


async def render_prompt(
    hass: HomeAssistant, settings: Settings, context: llm.LLMContext
) -> tuple[texts.FrozenPrompt, llm.APIInstance | None]:
    """Render the prompt of this moment, with the tools that it offers. Raises TemplateError, HomeAssistantError."""
    api = await load_tools(hass, settings.apis, context)
    tools = tuple(format_tool(tool, api.custom_serializer) for tool in api.tools) if api else ()
    values = {"ha_name": hass.config.location_name, "user_name": None, "llm_context": replace(context, context=None)}
    instructions = template.Template(settings.instructions, hass).async_render(values, parse_result=False)
    guide = texts.cut(texts.remove_entity_list(api.api_prompt), settings.context_tokens // 4) if api else ""
    fixed = texts.estimate_tokens(instructions + guide) + texts.estimate_tokens(str(list(tools)))
    budget = texts.share_tokens(settings.context_tokens, fixed)
    area = find_area(hass, context.device_id)
    exposed = find_exposed(hass) if api else []
    listed = texts.select_entities(exposed, area, budget.names)
    home = texts.list_entities(listed, exposed) if api else ""
    states = texts.describe_states(listed, budget.states)
    now = texts.describe_now(dt_util.now().strftime("%A, %Y-%m-%d, %H:%M"), area, states)
    system = "\n".join(part.strip() for part in (instructions, guide, home) if part.strip())
    names = tuple(sorted({entity.name for entity in exposed}))
    return texts.FrozenPrompt(system, now, tools, budget, len(exposed) - len(listed), names), api


@callback
def find_pipeline(hass: HomeAssistant, device_id: str | None) -> Pipeline | None:
    """Return the pipeline that a device has chosen, or the preferred one."""
    registry = er.async_get(hass)
    for entry in er.async_entries_for_device(registry, device_id) if device_id else ():
        if entry.domain == "select" and entry.unique_id.endswith("-pipeline"):
            state = hass.states.get(entry.entity_id)
            chosen = [one for one in async_get_pipelines(hass) if state and one.name == state.state]
            if chosen:
                return chosen[0]
    try:
        return async_get_pipeline(hass)
    except PipelineNotFound:
        return None


@callback
def find_speaker(hass: HomeAssistant, device_id: str | None, fallback: str | None) -> str | None:
    """Return the media player of a device, else one in its area, else the fallback; None if there is none."""
    registry = er.async_get(hass)
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is not None:
        own = er.async_entries_for_device(registry, device.id)
        near = _entries_in_area(hass, device.area_id) if device.area_id else []
        players = [
            entry.entity_id for entry in (*own, *near) if entry.domain == "media_player" and _is_usable(hass, entry)
        ]
        if players:
            return players[0]
    return fallback or None


def _entries_in_area(hass: HomeAssistant, area_id: str) -> list[er.RegistryEntry]:
    """Return the entities of an area and of its devices, those of the area itself first."""
    registry = er.async_get(hass)
    devices = dr.async_entries_for_area(dr.async_get(hass), area_id)
    of_devices = [entry for device in devices for entry in er.async_entries_for_device(registry, device.id)]
    return [*er.async_entries_for_area(registry, area_id), *(entry for entry in of_devices if not entry.area_id)]


def _is_usable(hass: HomeAssistant, entry: er.RegistryEntry) -> bool:
    state = hass.states.get(entry.entity_id)
    return state is not None and state.state != "unavailable"
