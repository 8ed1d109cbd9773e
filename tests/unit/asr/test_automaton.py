from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.engines.pocketsphinx.automaton import Nfa, minimize

WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple)


def net_of(sentences: set[tuple[str, ...]]) -> tuple[Nfa, int]:
    net = Nfa()
    end = net.add_state()
    for sentence in sentences:
        net.connect(net.add_path(0, sentence), end)
    return net, end


@given(st.sets(WORDS, min_size=1, max_size=12), WORDS)
def test_it_accepts_its_sentences_and_nothing_else(sentences: set[tuple[str, ...]], other: tuple[str, ...]) -> None:
    automaton = minimize(*net_of(sentences))
    assert all(automaton.accepts(sentence) for sentence in sentences)
    assert automaton.accepts(other) is (other in sentences)
    assert automaton.sentence_count == len(sentences)


def test_a_prefix_of_a_sentence_is_not_a_sentence() -> None:
    automaton = minimize(*net_of({("turn", "on", "light")}))
    assert not automaton.accepts(["turn", "on"])
    assert not automaton.accepts([])


def test_sentences_share_their_suffixes() -> None:
    automaton = minimize(*net_of({("open", "the", "door"), ("close", "the", "door")}))
    assert len(automaton.states) == 4
    assert automaton.words == {"open", "close", "the", "door"}


def test_nothing_but_a_closing_word_can_follow_a_finished_sentence() -> None:
    sentences = {("lights",), ("lights", "on"), ("lights", "on", "please"), ("stop",)}
    automaton = minimize(*net_of(sentences))
    assert automaton.is_finished(("stop",))
    assert automaton.is_finished(("lights", "on"))
    assert not automaton.is_finished(("lights",))
    assert not automaton.is_finished(("on",))
    assert not automaton.is_finished(())
