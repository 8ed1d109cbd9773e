"""Home tools: the actions and states of the home as tools, named after Home Assistant's intents and slots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.text.suggestions import find_close_names
from wyoming_rosie_intent.engine import AreaScope, Match, SlotValue
from wyoming_rosie_intent.execution.executor import (
    WEATHER_INTENT,
    ActionExecutor,
    ActionPlan,
    GetWeather,
    PendingCommand,
)
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.prompts.entities import describe_state
from wyoming_rosie_intent.llm.prompts.quoting import quote, sanitize
from wyoming_rosie_intent.llm.tool_arguments import ArgumentError, validate_arguments
from wyoming_rosie_intent.llm.toolset import NeedsConductor, NeedsConfirmation, ToolContext, ToolOutcome, ToolResult

MAX_ENTITIES = 60
"""Entities in one answer about states."""
LIVE_CONTEXT = "GetLiveContext"
TIMER = "HassStartTimer"

# fmt: off
_SWITCHED = (
    "light", "switch", "fan", "cover", "lock", "media_player", "climate", "valve", "scene", "script", "input_boolean",
)
_COLORS = ("white", "black", "red", "orange", "yellow", "green", "blue", "purple", "brown", "pink", "turquoise")
_TIME = {"type": "integer", "minimum": 0, "maximum": 999}
_SLOTS: Mapping[str, Mapping[str, object]] = {
    "name": {"type": "string", "description": "name of the thing"},
    "area": {"type": "string", "description": "name of the area, instead of a name: all such things there"},
    "percent": {"type": "integer", "minimum": 0, "maximum": 100, "description": "percent"},
    "color": {"type": "string", "enum": list(_COLORS)},
    "kelvin": {"type": "integer", "minimum": 1000, "maximum": 10000, "description": "kelvin"},
    "temperature": {"type": "number", "minimum": -30, "maximum": 250, "description": "degrees"},
    "item": {"type": "string"},
    "words": {"type": "string", "description": "what to look for"},
    "hours": _TIME,
    "minutes": _TIME,
    "seconds": _TIME,
    "day": {"type": "string", "enum": ["today", "tomorrow"]},
    "purpose": {"type": "string", "description": "what it is for"},
}
_TABLE = (
    ("light", "HassLightSet", "Sets the brightness or color of lights", "", "name area brightness=percent color temperature=kelvin"),
    ("cover valve", "HassSetPosition", "Opens a cover so far", "position=percent", "name area"),
    ("fan", "HassFanSetSpeed", "Sets the speed of fans", "percentage=percent", "name area"),
    ("climate", "HassClimateSetTemperature", "Sets the temperature that a thermostat is to reach", "temperature", "name area"),
    ("media_player", "HassMediaPause", "Pauses a media player", "", "name"),
    ("media_player", "HassMediaUnpause", "Starts or resumes a media player", "", "name"),
    ("media_player", "HassMediaNext", "Skips to the next track", "", "name"),
    ("media_player", "HassMediaPrevious", "Goes back to the track before", "", "name"),
    ("media_player", "HassMediaSearchAndPlay", "Searches for music or a film and plays it", "search_query=words", "name"),
    ("media_player", "HassSetVolume", "Sets the volume of a media player", "name volume_level=percent", ""),
    ("todo", "HassListAddItem", "Adds an item to a list", "item name", ""),
    ("todo", "HassListRemoveItem", "Takes an item off a list", "item name", ""),
    ("vacuum", "HassVacuumStart", "Starts a vacuum cleaner", "", "name"),
    ("vacuum", "HassVacuumReturnToBase", "Sends a vacuum cleaner to its base", "", "name"),
    ("weather", WEATHER_INTENT, "Returns the weather now, and what is expected of a day", "", "name day"),
)
"""Domains, intent, description, required slots and optional slots; a slot is NAME or NAME=SCHEMA."""
# fmt: on
_TIMER_SAYS = "Starts a timer; call it alone, before anything is said"
_CONTEXT_SAYS = "Returns how things are now, for questions about the home"
_WEATHER_SAYS = "Returns the weather at home now, and what is expected of a day"


class HomeTools:
    """Tools for the actions that the home's entities support."""

    def __init__(self, executor: ActionExecutor) -> None:
        self._executor = executor
        self._home: Home | None = None
        self._tools: tuple[Tool, ...] = ()

    def list_tools(self) -> Sequence[Tool]:
        if self._executor.home is not self._home:
            self._home = self._executor.home
            home_tools = _create_tools(self._home) if self._executor.has_actor else ()
            more = (_create_tool(WEATHER_INTENT, _WEATHER_SAYS, "", "day"),) if self._weather_source else ()
            self._tools = (*home_tools, *more)
        return self._tools

    @property
    def _weather_source(self) -> GetWeather | None:
        """The weather service, if the home has no weather entity."""
        return None if _has_weather_entity(self._executor.home) else self._executor.get_weather

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        tool = next((tool for tool in self.list_tools() if tool.name == call.name), None)
        if tool is None:
            names = ", ".join(tool.name for tool in self.list_tools())
            return ToolResult(f"Error: there is no tool {quote(call.name)}; there are: {names}")
        try:
            arguments = validate_arguments(call.arguments, tool.parameters)
            if tool.name == LIVE_CONTEXT:
                return ToolResult(self._describe_states(arguments))
            return await self._execute(
                _create_match(self._executor.home, tool.name, arguments, context.language), context
            )
        except ArgumentError as err:
            return ToolResult(f"Error: {err}")

    async def _execute(self, match: Match, context: ToolContext) -> ToolOutcome:
        if match.intent == TIMER:
            return NeedsConductor(match)
        if match.intent == WEATHER_INTENT and (ask := self._weather_source) is not None:
            return ToolResult((await ask(match)).text)
        plan = self._executor.plan([match], context.area.id if context.area else None, context.speaker)
        if context.has_untrusted_text and match.intent != WEATHER_INTENT:
            plan = _confirm_all(plan, context)
        answer = await self._executor.execute(plan.commands, context.moment) if plan.commands else None
        targets = tuple(target for command in plan.commands for target in command.targets)
        if plan.needs_confirmation:
            return NeedsConfirmation(plan.needs_confirmation, answer.text if answer else "", targets)
        reason = " ".join(plan.error_messages)
        if answer is None or not answer.done:
            refusal = " ".join(filter(None, (answer.text if answer else "", reason)))
            return ToolResult(f"Not done: {refusal or 'nothing here can do that'}", refusal=refusal)
        changed = match.intent != WEATHER_INTENT
        text = " ".join(filter(None, (answer.text, reason)))
        matches = tuple(command.match for command in plan.commands)
        return ToolResult(
            text, changed, answer.text if changed else "", reason, matches, targets=targets if changed else ()
        )

    def _describe_states(self, arguments: Mapping[str, SlotValue]) -> str:
        home, states = self._executor.home, self._executor.states()
        entities = _select_entities(home, arguments)
        lines = [
            f"{quote(entity.name)} ({entity.domain}): {describe_state(states[entity.id])}"
            for entity in entities[:MAX_ENTITIES]
            if entity.id in states
        ]
        if len(entities) > MAX_ENTITIES:
            lines.append(f"and {len(entities) - MAX_ENTITIES} more; ask for one area, domain or name")
        return "\n".join(lines) or "There is no such thing."


def create_timer_error(match: Match) -> str:
    """Return the error, for the model, that a timer cannot be set along with other calls."""
    return f"Error: {match.intent} cannot be called now. Tell the person to ask for the timer in a sentence of its own."


def _confirm_all(plan: ActionPlan, context: ToolContext) -> ActionPlan:
    """Return the plan with a confirmation for all of its commands, since a stranger may have put them into the prompt."""
    area = context.area.id if context.area else None
    pending = (PendingCommand(command.match, command.targets, area, context.speaker) for command in plan.commands)
    return replace(plan, commands=(), needs_confirmation=(*pending, *plan.needs_confirmation))


def _has_weather_entity(home: Home) -> bool:
    return any(entity.domain == "weather" for entity in home.entities)


def _create_tools(home: Home) -> tuple[Tool, ...]:
    domains = {entity.domain for entity in home.entities}
    return (
        *_create_switch_tools([domain for domain in _SWITCHED if domain in domains]),
        *(_create_tool(*row) for kinds, *row in _TABLE if not domains.isdisjoint(kinds.split())),
        _create_tool(TIMER, _TIMER_SAYS, "", "hours minutes seconds name=purpose"),
        *(
            [_add_domain(_create_tool(LIVE_CONTEXT, _CONTEXT_SAYS, "", "name area"), sorted(domains))]
            if domains
            else ()
        ),
    )


def _create_switch_tools(domains: Sequence[str]) -> Sequence[Tool]:
    on = _create_tool("HassTurnOn", "Turns on, opens, locks, activates or starts things", "", "name area")
    off = _create_tool("HassTurnOff", "Turns off, closes or unlocks things", "", "name area")
    return [_add_domain(tool, domains) for tool in (on, off)] if domains else ()


def _create_tool(name: str, description: str, needed: str, possible: str) -> Tool:
    slots = [slot.partition("=") for slot in (*needed.split(), *possible.split())]
    return Tool(
        name,
        description,
        {
            "type": "object",
            "properties": {slot: _SLOTS[what or slot] for slot, _, what in slots},
            "required": [slot.partition("=")[0] for slot in needed.split()],
        },
    )


def _add_domain(tool: Tool, domains: Sequence[str]) -> Tool:
    domain = {"type": "string", "enum": domains, "description": "what kind of things"}
    properties = {**cast(Mapping[str, object], tool.parameters["properties"]), "domain": domain}
    return replace(tool, parameters={**tool.parameters, "properties": properties})


def _create_match(home: Home, intent: str, arguments: Mapping[str, SlotValue], language: str) -> Match:
    """Return the match of a tool call, with names that exist in this home. Raises ArgumentError."""
    slots = dict(arguments)
    domain = slots.get("domain")
    if intent in {"HassTurnOn", "HassTurnOff"} and "name" not in slots and domain is None:
        raise ArgumentError("give the name of a thing, or a domain and perhaps an area")
    if intent == TIMER:
        if not any(slots.get(unit) for unit in ("hours", "minutes", "seconds")):
            raise ArgumentError("give hours, minutes or seconds")
        return Match(intent, slots, language=language)
    if "name" in slots:
        slots["name"] = _resolve_entity_name(home, str(slots["name"]))
    if "area" in slots:
        slots["area"] = _resolve_area_name(home, str(slots["area"]))
    area_scope = AreaScope.NAMED if "area" in slots else AreaScope.ANYWHERE
    return Match(intent, slots, domain=str(domain) if domain else None, area_scope=area_scope, language=language)


def _resolve_entity_name(home: Home, name: str) -> str:
    entity = home.get_entity(name) or _find_by_prompt_name(home, name)
    if entity is None:
        raise ArgumentError(
            _describe_unknown_name(
                "thing", name, (known_name for entity in home.entities for known_name in entity.names)
            )
        )
    return name if home.find_by_name(name) else entity.name


def _find_by_prompt_name(home: Home, name: str) -> Entity | None:
    """Return the entity that a prompt lists by this name, which may lack some characters of the real one."""
    entities = sanitize(name).casefold()
    return next(
        (
            entity
            for entity in home.entities
            if entities in {sanitize(known_name).casefold() for known_name in entity.names}
        ),
        None,
    )


def _resolve_area_name(home: Home, name: str) -> str:
    area = home.get_area(name)
    if area is None:
        raise ArgumentError(
            _describe_unknown_name("area", name, (known_name for area in home.areas for known_name in area.names))
        )
    return area.name


def _describe_unknown_name(kind: str, name: str, names: Iterable[str]) -> str:
    close_names = find_close_names(name, (known_name for known_name in names if _has_common_prefix(known_name, name)))
    hint = (
        f"; there is {' and '.join(map(quote, close_names))}"
        if close_names
        else f"; call {LIVE_CONTEXT} to see what there is"
    )
    return f"there is no {kind} {quote(name)}{hint}"


def _has_common_prefix(name: str, other: str) -> bool:
    """Return whether two words of them begin with the same letters, as comparing each pair of names takes long."""
    return not {word[:2] for word in name.lower().split()}.isdisjoint(word[:2] for word in other.lower().split())


def _select_entities(home: Home, arguments: Mapping[str, SlotValue]) -> list[Entity]:
    area = home.get_area(_resolve_area_name(home, str(arguments["area"]))) if "area" in arguments else None
    name = _resolve_entity_name(home, str(arguments["name"])) if "name" in arguments else None
    return [
        entity
        for entity in (home.find_by_name(name) if name else home.entities)
        if (area is None or entity.area == area.id) and arguments.get("domain", entity.domain) == entity.domain
    ]
