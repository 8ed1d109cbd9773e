from pathlib import Path

from pocketsphinx import get_model_path

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_asr.engines.pocketsphinx import templates, tokens
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Automaton
from wyoming_rosie_asr.engines.pocketsphinx.grammar import Grammar, build_grammar
from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon, read_dictionary

LEXICON = Lexicon(dict.fromkeys(("kitchen", "office", "hall", "lamp", "light", "desk", "front", "door"), ("AH",)))
KITCHEN, OFFICE = Area("kitchen", "Kitchen"), Area("office", "Office", ("hall",))
LAMP = Entity("light.desk", "Desk Lamp", "light", area="office", features=frozenset({"color"}))


def grammar(*entities: Entity) -> Grammar:
    return build_grammar(Home((KITCHEN, OFFICE), entities), templates.load("en"), LEXICON)


def hears(automaton: Automaton, text: str) -> bool:
    """Tell whether words can be said, however they are written."""
    states = {automaton.start}
    for word in text.split():
        arcs = [arc for state in states for arc in automaton.states[state]]
        states = {target for token, target in arcs if tokens.spoken_word(token) == word}
    return bool(states & automaton.final)


def test_a_light_can_be_switched_by_its_name_in_either_order() -> None:
    sentences = grammar(LAMP).automaton
    assert hears(sentences, "turn on the desk lamp")
    assert hears(sentences, "turn the desk lamp off")
    assert hears(sentences, "please turn on the desk lamp")
    assert not hears(sentences, "turn on the desk")


def test_only_features_that_a_light_has_can_be_set() -> None:
    sentences = grammar(LAMP).automaton
    assert hears(sentences, "set the desk lamp to green")
    assert not hears(sentences, "set the desk lamp to fifty percent")


def test_a_home_without_matching_entities_has_no_sentences_about_them() -> None:
    sentences = grammar(LAMP).automaton
    assert not hears(sentences, "lock the front door")
    assert hears(grammar(Entity("lock.front", "Front Door", "lock")).automaton, "lock the front door")
    assert hears(grammar().automaton, "set a timer for five minutes")


def test_lights_are_in_their_area() -> None:
    sentences = grammar(LAMP).automaton
    assert hears(sentences, "turn on the office lights")
    assert hears(sentences, "turn on the hall lights")
    assert not hears(sentences, "turn on the kitchen lights")


def test_lights_without_an_area_may_be_in_any_area() -> None:
    sentences = grammar(Entity("light.a", "Desk Lamp", "light")).automaton
    assert hears(sentences, "turn on the kitchen lights")
    assert hears(sentences, "turn on the desk lamp in the kitchen")


def test_a_name_without_a_pronunciation_is_reported_and_skipped() -> None:
    made = grammar(LAMP, Entity("light.b", "Wxyzq Tschk", "light"))
    assert made.skipped == ("Wxyzq Tschk",)
    assert hears(made.automaton, "turn on the desk lamp")


def test_an_alias_replaces_a_name_without_a_pronunciation() -> None:
    made = grammar(Entity("light.b", "Wxyzq", "light", aliases=("Desk Light",)))
    assert hears(made.automaton, "turn on the desk light")


def test_numbers_are_said_in_words_and_written_in_digits() -> None:
    said = ["set", "a", "timer", "for", *tokens.number_tokens(25), "minutes"]
    assert grammar().automaton.accepts(said)
    assert tokens.to_text(said) == "set a timer for 25 minutes"


def test_every_word_of_the_grammar_has_a_pronunciation() -> None:
    domains = ["light", "switch", "fan", "cover", "lock", "climate", "sensor", "weather", "media_player", "todo"]
    lexicon = Lexicon(read_dictionary(Path(get_model_path("en-us/cmudict-en-us.dict"))))
    things = [Entity(domain, "Desk Lamp", domain) for domain in [*domains, "scene", "script", "vacuum", "valve"]]
    lights = [Entity(f, "Desk Lamp", "light", features=frozenset({f})) for f in ("brightness", "color")]
    made = build_grammar(Home((KITCHEN,), (*things, *lights)), templates.load("en"), lexicon)
    assert [word for word in made.automaton.words if not lexicon.find_phones(tokens.spoken_word(word))] == []
