"""Prompt: instructions, the home, the history, and the present states.

The constant parts come first, since servers cache the beginning of a prompt.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, Prompt, Tool
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow, TokenBudget
from wyoming_rosie_intent.memory.extraction.candidates import SCHEMA

if TYPE_CHECKING:
    from jinja2 import Template

    from wyoming_rosie_intent.llm.prompts.memories import PromptMemory

States: TypeAlias = Mapping[str, Mapping[str, object]]
TEMPLATES = ("system", "now", "not_done", "filler", "without_tools", "go_on", "memories", "facts")
BUILTIN_TEMPLATES = Path(__file__).with_name("templates")
MAX_NAME_CHARACTERS = 60
"""Characters of an entity's name, or of a text in its state."""
MAX_MEMORY_CHARACTERS = 400
MAX_AREAS = 100
_MARK = re.compile(r"<\|?/?([\w-]{1,40})\|?>|\[/?([A-Z_]{2,40})\]")
_STATELESS = frozenset({"button", "event", "input_button", "scene", "script"})

# fmt: off
_BY_RELEVANCE = (
    "light", "switch", "climate", "cover", "media_player", "lock", "fan", "vacuum", "scene", "script", "todo", "weather",
    "alarm_control_panel", "valve", "humidifier", "lawn_mower", "water_heater", "input_boolean", "person", "sensor",
    "binary_sensor",
)
_PROMPT_ATTRIBUTES = (
    "brightness", "color", "current_temperature", "temperature", "target", "position", "current_position", "speed", "percentage", "volume", "volume_level",
    "title", "media_title", "items", "unit_of_measurement",
)
# fmt: on
"""Attributes that are listed besides the state of an entity that is not off."""
_OFF = frozenset({"off", "unavailable", "unknown"})


@dataclass(frozen=True)
class PromptContext:
    """The area, the wall clock and the states of entities by their ids when a person speaks."""

    area: Area | None
    moment: datetime
    states: States


@dataclass(frozen=True)
class PromptEntity:
    """An entity as a prompt lists it."""

    name: str
    domain: str
    area: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class _SystemPrompt:
    """A system message, the entities that it lists, the most relevant first, and the used entities at that time."""

    message: ChatMessage
    entities: tuple[Entity, ...]
    used: frozenset[str]

    def includes(self, used: Sequence[str], home: Home) -> bool:
        """Return whether it was rendered for these used entities or lists them anyway."""
        if self.used.issuperset(used) or len(self.entities) == len(home.entities):
            return True
        return {entity.id for entity in self.entities}.issuperset(used)


def load(folder: Path | None = None, context_window: ContextWindow | None = None) -> "PromptTemplates":
    """Load the templates; those in `folder` replace the built-in ones of the same name. Raises ConfigError."""
    from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = quote
    environment.filters["quoted_long"] = partial(quote, most=MAX_MEMORY_CHARACTERS)
    texts = {name: _read_template(folder, name) for name in _find_templates(folder)}
    path = folder or BUILTIN_TEMPLATES
    try:
        prompts = PromptTemplates(
            {name: environment.from_string(text) for name, text in texts.items()}, context_window or ContextWindow()
        )
        prompts.validate()
    except TemplateSyntaxError as err:
        raise ConfigError(f"the prompts in {path}: line {err.lineno}: {err.message}") from err
    except (TemplateError, TypeError, ValueError, AttributeError) as err:
        raise ConfigError(f"the prompts in {path}: {err}") from err
    return prompts


class PromptTemplates:
    """Renders prompts from templates and caches their constant parts."""

    def __init__(self, templates: Mapping[str, "Template"], context_window: ContextWindow) -> None:
        self._templates = templates
        self.context_window = context_window
        self._home: Home | None = None
        self._key: object = None
        self._budget = TokenBudget()
        self._systems: dict[str | None, _SystemPrompt] = {}

    def render(
        self,
        home: Home,
        situation: PromptContext,
        history: Sequence[ChatMessage],
        tools: Sequence[Tool],
        used: Sequence[str] = (),
    ) -> Prompt:
        """Return the prompt for the next sentence; `used` has the ids of recently used entities."""
        shares = self.allocate_tokens(home, tools)
        system = self._get_system_prompt(home, situation.area, used, shares)
        states, more = _group_by_state(
            system.entities, situation.states, shares.states, self.context_window.count_tokens
        )
        area = situation.area.name if situation.area else None
        now = self._render_template("now", moment=situation.moment, area=area, states=states, more_states=more)
        messages = (system.message, *history, ChatMessage(ChatRole.USER, now))
        return Prompt(messages, tuple(tools), self._render_template("without_tools"))

    def allocate_tokens(self, home: Home, tools: Sequence[Tool]) -> TokenBudget:
        """Share out the context window; the result is cached until the home, the tools or the token counter change."""
        key = (tuple(tools), self.context_window.counter.scales)
        if home is not self._home or key != self._key:
            self._home, self._key, self._systems = home, key, {}
            empty = ChatMessage(ChatRole.SYSTEM, self._render_system(home, ()))
            moment = self._render_template("now", moment=datetime.now(UTC), area="", states=(), more_states=True)
            fixed_prompt = Prompt((empty, ChatMessage(ChatRole.USER, moment)), tuple(tools), "")
            substitute_tokens = self.context_window.count_tokens(self._render_template("without_tools"))
            self._budget = self.context_window.allocate(
                self.context_window.counter.count_prompt(fixed_prompt) + substitute_tokens
            )
        return self._budget

    def render_not_done(self) -> ChatMessage:
        """Return the message for a model that claimed an action it did not execute."""
        return ChatMessage(ChatRole.USER, self._render_template("not_done"))

    def render_go_on(self) -> ChatMessage:
        """Return the message that asks for the rest of a long answer."""
        return ChatMessage(ChatRole.USER, self._render_template("go_on"))

    def render_memories(self, messages: Sequence["PromptMemory"], memories: Sequence["PromptMemory"]) -> str:
        """Return the text of the message with memories."""
        return self._render_template("memories", messages=messages, memories=memories)

    def render_facts(self, sentences: Sequence[str]) -> Prompt:
        """Return the prompt that asks for the facts in sentences, which it quotes as data."""
        numbered = [
            {"sentence": number, "said": sanitize(text, MAX_MEMORY_CHARACTERS)}
            for number, text in enumerate(sentences, 1)
        ]
        data = "\n".join(json.dumps(one, ensure_ascii=False) for one in numbered)
        return Prompt(
            (ChatMessage(ChatRole.SYSTEM, self._render_template("facts")), ChatMessage(ChatRole.USER, data)),
            schema=SCHEMA,
        )

    def render_filler(self, sentence: str) -> Prompt:
        """Return the prompt that asks a small model for a filler."""
        return Prompt(
            (ChatMessage(ChatRole.SYSTEM, self._render_template("filler")), ChatMessage(ChatRole.USER, sentence))
        )

    def validate(self) -> None:
        """Render each template once, so that errors show at the start."""
        home = Home((Area("a", "A"),), (Entity("light.a", "A", "light", "a"),))
        self.render(home, PromptContext(home.areas[0], datetime.now(UTC), {"light.a": {"state": "on"}}), (), ())
        self.render_not_done()
        self.render_go_on()
        self.render_memories((), ())
        self.render_facts(())
        self.render_filler("")

    def _get_system_prompt(
        self, home: Home, area: Area | None, used: Sequence[str], shares: TokenBudget
    ) -> "_SystemPrompt":
        """Return the system message, which is the same until an entity is used that it does not list.

        The area matters only when not all entities can be listed.
        """
        key = area.id if area else None
        cached = self._systems.get(key)
        if cached is None or not cached.includes(used, home):
            entities = select_entities(home, key, shares.entities, self.context_window.count_tokens, used)
            listed = sorted(entities, key=lambda entity: (entity.area or "", entity.domain, entity.id))
            cached = _SystemPrompt(
                ChatMessage(ChatRole.SYSTEM, self._render_system(home, listed)), entities, frozenset(used)
            )
            self._systems[key] = cached
        return cached

    def _render_system(self, home: Home, listed: Sequence[Entity]) -> str:
        areas = {area.id: area.name for area in home.areas}
        return self._render_template(
            "system",
            location=home.location,
            preferences=home.preferences,
            areas=sorted(areas.values())[:MAX_AREAS],
            things=[PromptEntity(e.name, e.domain, areas.get(e.area or ""), e.aliases[:2]) for e in listed],
            left_out=len(home.entities) - len(listed),
            kinds_left_out=_count_domains(home.entities) - _count_domains(listed),
        )

    def _render_template(self, name: str, **values: object) -> str:
        return self._templates[name].render(**values).strip()


def quote(text: object, most: int = MAX_NAME_CHARACTERS) -> str:
    """Return untrusted text as one line in quotation marks, so that it cannot pass for instructions."""
    return json.dumps(sanitize(text, most), ensure_ascii=False)


def sanitize(text: object, most: int = MAX_NAME_CHARACTERS) -> str:
    """Return untrusted text as one line of at most `most` characters."""
    plain = "".join(character if character.isprintable() else " " for character in str(text)[: most * 4])
    plain = escape_tokens(" ".join(plain.split()))
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def escape_tokens(text: str) -> str:
    """Replace special tokens, which could end a message: <|im_end|> becomes (im_end)."""
    return _MARK.sub(lambda found: f"({found[1] or found[2]})", text)


def _count_domains(entities: Iterable[Entity]) -> Counter[str]:
    return Counter(sorted(entity.domain for entity in entities))


def select_entities(
    home: Home, area: str | None, max_tokens: int, tokens: Callable[[str], int], used: Sequence[str] = ()
) -> tuple[Entity, ...]:
    """Return the entities to list, the most relevant first: all, or as many as there is room for.

    First one of each domain, then those in the area and those used recently, then the others; the domains alternate.
    """
    rank = {domain: number for number, domain in enumerate(_BY_RELEVANCE)}
    nearby = frozenset(used) | {entity.id for entity in home.entities if area is not None and entity.area == area}
    turns: Counter[tuple[str, bool]] = Counter()
    order = []
    for entity in sorted(home.entities, key=lambda entity: (entity.id not in nearby, entity.id)):
        is_near = entity.id in nearby
        turn = turns[entity.domain, is_near]
        turns[entity.domain, is_near] += 1
        is_first = turn == 0 and (is_near or not turns[entity.domain, True])
        order.append((not is_first, not is_near, turn, rank.get(entity.domain, len(rank)), entity.id, entity))
    return tuple(
        _fit_entities([entity for *_, entity in sorted(order, key=lambda entry: entry[:5])], home, max_tokens, tokens)
    )


def _fit_entities(
    entities: Iterable[Entity], home: Home, max_tokens: int, tokens: Callable[[str], int]
) -> Iterable[Entity]:
    areas = {area.id: area.name for area in home.areas}
    for entity in entities:
        names = " ".join(map(quote, (entity.name, *entity.aliases[:2])))
        max_tokens -= tokens(f"- {names}, also, also: {entity.domain}, {quote(areas.get(entity.area or '', ''))}\n")
        if max_tokens < 0:
            return
        yield entity


def _group_by_state(
    entities: Iterable[Entity], states: States, max_tokens: int, tokens: Callable[[str], int]
) -> tuple[list[tuple[str, list[str]]], bool]:
    """Return the names of entities by state, and whether there are more than there is room for."""
    found: dict[str, list[str]] = {}
    for entity in entities:
        if entity.id not in states or entity.domain in _STATELESS:
            continue
        state = describe_state(states[entity.id])
        max_tokens -= tokens(f"{quote(entity.name)}, " + ("" if state in found else f"- {state}:\n"))
        if max_tokens < 0:
            return _sort_groups(found), True
        found.setdefault(state, []).append(entity.name)
    return _sort_groups(found), False


def _sort_groups(found: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted((state, sorted(names)) for state, names in found.items())


def describe_state(state: Mapping[str, object]) -> str:
    """Return an entity's state and attributes in a few words."""
    value = str(state.get("state", "unknown"))
    if value in _OFF:
        return value
    attributes = [
        f"{key.replace('_', ' ')} {_format_value(state[key])}"
        for key in _PROMPT_ATTRIBUTES
        if state.get(key) not in (None, "", ())
    ]
    return ", ".join(
        (value if value.replace("_", "").isalnum() and len(value) < MAX_NAME_CHARACTERS else quote(value), *attributes)
    )


def _format_value(value: object) -> str:
    match value:
        case bool() | int():
            return str(value)
        case float():
            return f"{value:g}"
        case list() | tuple():
            return " and ".join(quote(item) for item in value[:10])
        case _:
            return quote(value)


def _find_templates(folder: Path | None) -> Sequence[str]:
    """Return the names of the templates; refuse a file that replaces none, as its name is probably misspelt."""
    if folder is None:
        return TEMPLATES
    if not folder.is_dir():
        raise ConfigError(f"--prompt-folder: {folder} is not a folder")
    for path in sorted(folder.glob("*.j2")):
        if path.stem not in TEMPLATES:
            names = ", ".join(f"{name}.j2" for name in TEMPLATES)
            raise ConfigError(f"--prompt-folder: {path} replaces no prompt; there are: {names}")
    return TEMPLATES


def _read_template(folder: Path | None, name: str) -> str:
    custom = folder / f"{name}.j2" if folder else None
    path = custom if custom and custom.is_file() else BUILTIN_TEMPLATES / f"{name}.j2"
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"cannot read the prompt {path}: {err}") from err
