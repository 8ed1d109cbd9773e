"""The daemon's Wyoming `info`."""

from wyoming.info import Attribution, HandleModel, HandleProgram, Info, IntentModel, IntentProgram

from wyoming_rosie import __version__
from wyoming_rosie_intent.engine import IntentRecognizer

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
