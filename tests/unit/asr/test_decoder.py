import pytest

from wyoming_rosie.audio.alignment import AlignedSegment, compute_score, phone_score
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Nfa, minimize
from wyoming_rosie_asr.engines.pocketsphinx.decoder import _build_graph, _is_drawn_out


def test_every_sentence_of_the_automaton_is_a_path_to_the_one_final_state() -> None:
    net = Nfa()
    end = net.add_state()
    for words in (("lights",), ("lights", "on"), ("lights", "off")):
        net.connect(net.add_path(0, words), end)
    automaton = minimize(net, end)
    start, final, transitions = _build_graph(automaton)
    words_from = {(arc[0], arc[3]): arc[1] for arc in transitions if len(arc) == 4}
    silent = {arc[0] for arc in transitions if len(arc) == 3 and arc[1] == final}
    after_lights = words_from[start, "lights"]
    assert after_lights in silent
    assert words_from[after_lights, "on"] in silent
    assert final not in {arc[0] for arc in transitions}


def test_transitions_of_a_state_are_equally_likely() -> None:
    net = Nfa()
    end = net.add_state()
    for words in (("on",), ("off",)):
        net.connect(net.add_path(0, words), end)
    start, _, transitions = _build_graph(minimize(net, end))
    assert [arc[2] for arc in transitions if arc[0] == start] == [0.5, 0.5]


def test_a_sentence_that_matches_the_phones_has_the_score_one() -> None:
    words = [AlignedSegment("on", 0, 49, -0.1), AlignedSegment("off", 50, 99, -0.2)]
    assert compute_score(words, [AlignedSegment("AA", 0, 99, -0.4)]) == pytest.approx(1.0)


def test_a_worse_match_has_a_lower_score() -> None:
    sounds = [AlignedSegment("AA", 0, 99, -0.1)]
    good, bad = ([AlignedSegment("on", 0, 99, likelihood)] for likelihood in (-0.2, -0.5))
    assert 1 > compute_score(good, sounds) > compute_score(bad, sounds) > 0


def test_phones_outside_a_word_do_not_count() -> None:
    sounds = [AlignedSegment("SIL", 0, 9, -5.0), AlignedSegment("AA", 10, 19, -1.0)]
    assert phone_score(sounds, 10, 19) == pytest.approx(-1.0)
    assert phone_score(sounds, 10, 14) == pytest.approx(-0.5)


def test_a_drawn_out_word_takes_long_for_its_phones() -> None:
    assert not _is_drawn_out(AlignedSegment("lights", 100, 150, -0.1), phones=5)
    assert _is_drawn_out(AlignedSegment("lights", 100, 210, -0.1), phones=5)
