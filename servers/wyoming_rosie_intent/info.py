"""What the daemon tells about itself: its Wyoming `info`, and the answers to questions of any peer."""

from collections.abc import Mapping

from wyoming.info import Attribution, HandleModel, HandleProgram, Info, IntentModel, IntentProgram

from wyoming_rosie import __version__
from wyoming_rosie_intent.engine import IntentRecognizer, ServedActor
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.handler import Question
from wyoming_rosie_intent.plugins import PluginRegistry

_NAME = "wyoming-rosie-intent"
_CREDIT = Attribution("hassil and home-assistant-intents", "https://github.com/OHF-Voice/intents")
_RULES = "Commands and questions about a home, by sentence templates, without a network"
_MODELS = "Commands and questions about a home by sentence templates, everything else by a language model"


def create_info(recognizer: IntentRecognizer, *, handles: bool, uses_llm: bool, notice: str = "") -> Info:
    """Create the daemon's info, with a handle program if it has an actor.

    `notice` is added to the description of the handle program.
    """
    languages = list(recognizer.languages)
    intent_model = IntentModel("hassil", _CREDIT, True, _RULES, __version__, languages)
    handle_model = HandleModel("hassil", _CREDIT, True, _RULES, __version__, languages)
    handle = HandleProgram(
        _NAME,
        _CREDIT,
        True,
        (_MODELS if uses_llm else _RULES) + (f"; {notice}" if notice else ""),
        __version__,
        [handle_model],
        supports_handled_streaming=uses_llm,
        supports_home_control=True,
    )
    intent = IntentProgram(_NAME, _CREDIT, True, _RULES, __version__, [intent_model])
    return Info(intent=[intent], handle=[handle] if handles else [])


def create_questions(
    executor: ActionExecutor,
    actor: ServedActor | None,
    actor_name: str,
    plugins: PluginRegistry | None,
) -> Mapping[str, Question]:
    """Return the answers to what any peer may ask: `plugins`, and `room` with the policy of an area."""
    return {
        "plugins": lambda _: {"plugins": _describe_plugins(actor, actor_name, plugins)},
        "room": lambda data: {"is_private": _is_private(executor, data)},
    }


def _is_private(executor: ActionExecutor, data: object) -> bool:
    """Return whether the speech of the `area` in a question must stay in the home."""
    name = data.get("area") if isinstance(data, Mapping) else None
    return isinstance(name, str) and executor.home.is_private(name)


def _describe_plugins(
    actor: ServedActor | None, actor_name: str, plugins: PluginRegistry | None
) -> list[Mapping[str, object]]:
    """Return what the daemon is extended by: its actor, then its plugins."""
    described = [] if actor is None else [_describe_actor(actor, actor_name)]
    return [*described, *(plugins.describe() if plugins else [])]


def _describe_actor(actor: ServedActor, name: str) -> Mapping[str, object]:
    """Return an actor as a plugin is described."""
    return {"name": name, "kind": "actor", "version": "", "problem": actor.problem, "sentences": []}
