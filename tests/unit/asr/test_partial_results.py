from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.partial_results import LocalAgreement

WORDS = st.lists(st.sampled_from(["turn", "on", "the", "light", "lights", "off"]), max_size=6).map(" ".join)


def test_what_two_hypotheses_share_is_returned_once() -> None:
    partials = LocalAgreement()
    guesses = ["turn", "turn on the", "turn on the light", "turn off the light", "turn on the lights in"]
    assert [partials.push(guess) for guess in guesses] == ["", "turn", " on the", "", ""]
    assert partials.finish("turn on the lights in the kitchen") == " lights in the kitchen"


def test_a_different_final_text_adds_nothing() -> None:
    partials = LocalAgreement()
    assert [partials.push("turn on the light"), partials.push("turn on the light")] == ["", "turn on the light"]
    assert partials.finish("turn on the lights") == ""


@given(st.lists(WORDS), WORDS)
def test_the_stable_prefix_is_never_revised(guesses: list[str], final: str) -> None:
    partials, told = LocalAgreement(), ""
    for guess in guesses:
        told += partials.push(guess)
        assert told == partials.sent
    rest = partials.finish(final)
    assert told + rest in (told, final)
    assert (told + rest == final) == (final.split()[: len(told.split())] == told.split()) or not rest
