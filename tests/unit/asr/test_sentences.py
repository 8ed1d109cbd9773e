"""Every sentence that the recognizer can hear must mean something to the intent daemon."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pocketsphinx import get_model_path

from wyoming_rosie.home import loader, model
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie.timers import selection
from wyoming_rosie.timers.model import HubTimer
from wyoming_rosie_asr.engines.pocketsphinx import grammar, templates, tokens
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Automaton
from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon, read_dictionary
from wyoming_rosie_asr.engines.pocketsphinx.templates import TemplateBlock
from wyoming_rosie_intent.rules import hassil

OTHER_THINGS = Home(
    (Area("kitchen", "Kitchen"), Area("first", "1st Floor")),
    (
        Entity("vacuum.robot", "Robot", "vacuum", area="kitchen"),
        Entity("valve.garden", "Garden Valve", "valve"),
        Entity("sensor.humidity", "Outdoor Humidity", "sensor"),
        Entity("light.lamp", "Lamp 2", "light", area="first", features=frozenset({"brightness", "color"})),
        Entity("fan.floor", "Floor Fan", "fan", area="first"),
        Entity("cover.gate", "Dad's Gate", "cover", area="first"),
    ),
)
HOMES = {"demo": loader.load_home(model.DEMO_HOME), "other": OTHER_THINGS}
SAMPLES = 25
"""Of each template and home, spread evenly over all its sentences."""
EN = templates.load("en")
COMMANDS = [(block, say) for block in EN.blocks if not block.answer for say in block.say]
ANSWERS = [(block, say) for block in EN.blocks if block.answer for say in block.say]


@cache
def lexicon() -> Lexicon:
    return Lexicon(read_dictionary(Path(get_model_path("en-us/cmudict-en-us.dict"))))


@cache
def recognizer(name: str) -> hassil.HassilRecognizer:
    return hassil.load(hassil.Settings(), HOMES[name])


def sentence(automaton: Automaton, number: int) -> list[str]:
    """Return one sentence by its number, from 0."""
    state = automaton.start
    words: list[str] = []
    while True:
        if state in automaton.final:
            if number == 0:
                return words
            number -= 1
        for word, target in automaton.states[state]:
            if number < automaton.suffix_counts[target]:
                words.append(word)
                state = target
                break
            number -= automaton.suffix_counts[target]


def samples(name: str, block: TemplateBlock, say: str) -> list[str]:
    """Return sentences of one template, spread over all of them; none when the home has no such things."""
    one = replace(EN, frame="<sentence>", blocks=(replace(block, say=(say,)),))
    automaton = grammar.build_grammar(HOMES[name], one, lexicon()).automaton
    step = max(automaton.sentence_count // SAMPLES, 1)
    return [tokens.to_text(sentence(automaton, number)) for number in range(0, automaton.sentence_count, step)]


@pytest.mark.parametrize("name", HOMES)
@pytest.mark.parametrize(("block", "say"), COMMANDS, ids=[say for _, say in COMMANDS])
def test_what_can_be_said_is_understood(name: str, block: TemplateBlock, say: str) -> None:
    area = HOMES[name].areas[0].name
    texts = samples(name, block, say)
    assert [text for text in texts if recognizer(name).recognize(text, "en", area) is None] == []


@pytest.mark.parametrize(("block", "say"), ANSWERS, ids=[say for _, say in ANSWERS])
def test_answers_are_a_yes_or_a_no_to_the_intent_daemon_or_tell_the_hub_which_timer_is_meant(
    block: TemplateBlock, say: str
) -> None:
    own = hassil.load_custom_sentences("en")
    texts = samples("demo", block, say)
    assert texts
    others = set(texts) - {*own["yes"], *own["no"]}
    timer = HubTimer(id="t", total_seconds=300, ends_at=300.0, satellite_id="s")
    timers = [replace(timer, area=area) for place in HOMES["demo"].areas for area in place.names]
    timers += [replace(timer, name=name) for name in EN.lists["timer"]]
    assert [text for text in others if selection.parse_selection(text, timers, "en", 0.0) is None] == []


def test_what_is_said_politely_is_understood() -> None:
    polite = ["please turn on the bed light", "can you turn off the tv", "could you lock the front door please"]
    assert all(recognizer("demo").recognize(text, "en", "Kitchen") for text in polite)
