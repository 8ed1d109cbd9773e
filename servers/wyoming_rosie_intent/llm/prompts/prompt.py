"""Prompt: instructions, the home, the history, and the present states.

The constant parts come first, since servers cache the beginning of a prompt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, Prompt, Tool
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow, TokenBudget
from wyoming_rosie_intent.llm.prompts.entities import (
    States,
    count_domains,
    create_entities,
    group_by_state,
    select_entities,
)
from wyoming_rosie_intent.llm.prompts.quoting import quote, sanitize
from wyoming_rosie_intent.memory.extraction.candidates import SCHEMA

if TYPE_CHECKING:
    from jinja2 import Template

    from wyoming_rosie_intent.llm.prompts.memories import PromptMemory

TEMPLATES = ("system", "now", "not_done", "filler", "without_tools", "go_on", "memories", "facts")
BUILTIN_TEMPLATES = Path(__file__).with_name("templates")
MAX_MEMORY_CHARACTERS = 400
MAX_AREAS = 100


@dataclass(frozen=True)
class PromptContext:
    """The area, the wall clock and the states of entities by their ids when a person speaks."""

    area: Area | None
    moment: datetime
    states: States


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
        context: PromptContext,
        history: Sequence[ChatMessage],
        tools: Sequence[Tool],
        used: Sequence[str] = (),
    ) -> Prompt:
        """Return the prompt for the next sentence; `used` has the ids of recently used entities."""
        budget = self.allocate_tokens(home, tools)
        system = self._get_system_prompt(home, context.area, used, budget)
        states, more = group_by_state(system.entities, context.states, budget.states, self.context_window.count_tokens)
        area = context.area.name if context.area else None
        now = self._render_template("now", moment=context.moment, area=area, states=states, more_states=more)
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
        self, home: Home, area: Area | None, used: Sequence[str], budget: TokenBudget
    ) -> "_SystemPrompt":
        """Return the system message, which is the same until an entity is used that it does not list.

        The area matters only when not all entities can be listed.
        """
        key = area.id if area else None
        cached = self._systems.get(key)
        if cached is None or not cached.includes(used, home):
            entities = select_entities(home, key, budget.entities, self.context_window.count_tokens, used)
            listed = sorted(entities, key=lambda entity: (entity.area or "", entity.domain, entity.id))
            cached = _SystemPrompt(
                ChatMessage(ChatRole.SYSTEM, self._render_system(home, listed)), entities, frozenset(used)
            )
            self._systems[key] = cached
        return cached

    def _render_system(self, home: Home, listed: Sequence[Entity]) -> str:
        return self._render_template(
            "system",
            location=home.location,
            preferences=home.preferences,
            areas=sorted(area.name for area in home.areas)[:MAX_AREAS],
            things=create_entities(listed, home),
            left_out=len(home.entities) - len(listed),
            kinds_left_out=count_domains(home.entities) - count_domains(listed),
        )

    def _render_template(self, name: str, **values: object) -> str:
        return self._templates[name].render(**values).strip()


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
