from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules.multi_command import MAX_COMMANDS, parse_commands

KNOWN = {
    "turn on the lamp": "On",
    "turn on the radio": "On",
    "turn off the radio": "Off",
    "add salt and pepper": "Add",
    "set the lamp to red": "Set",
    "set the radio to loud": "Set",
    "set the radio to red": "Set",
    "turn the lamp on": "On",
    "turn the radio on": "On",
}


def one(text: str) -> Match | None:
    if text.startswith("play "):
        return Match("Play", {"song": text.removeprefix("play ")}, text)
    return Match(KNOWN[text], text=text) if text in KNOWN else None


def meant(text: str) -> list[str]:
    return [match.text for match in parse_commands(text, one)]


def test_one_command_is_not_split() -> None:
    assert meant("add salt and pepper") == ["add salt and pepper"]


def test_two_commands_are_understood_in_order() -> None:
    assert meant("turn on the lamp and turn off the radio") == ["turn on the lamp", "turn off the radio"]
    assert meant("turn on the lamp, then turn off the radio") == ["turn on the lamp", "turn off the radio"]


def test_an_and_inside_a_command_does_not_mislead() -> None:
    assert meant("add salt and pepper and then turn on the lamp") == ["add salt and pepper", "turn on the lamp"]


def test_free_text_does_not_take_in_a_second_command_but_keeps_its_own_and() -> None:
    assert meant("play some jazz and turn on the lamp") == ["play some jazz", "turn on the lamp"]
    assert meant("play the beauty and the beast") == ["play the beauty and the beast"]


def test_the_verb_may_be_said_once() -> None:
    assert meant("turn on the lamp and the radio") == ["turn on the lamp", "turn on the radio"]
    assert meant("set the lamp to red and the radio to loud") == ["set the lamp to red", "set the radio to loud"]


def test_nothing_is_understood_when_a_part_is_not() -> None:
    assert meant("turn on the lamp and tell me a joke") == []
    assert meant("he said it and turn on the lamp") == []


def test_a_verb_that_is_said_once_may_mean_two_things() -> None:
    assert meant("turn on the lamp and off the radio") == ["turn on the lamp", "turn off the radio"]


def test_commas_and_other_joints_part_commands() -> None:
    for joint in (", ", ", and ", "; ", " after that ", " as well as ", " und dann ", ". "):
        assert meant(f"turn on the lamp{joint}turn off the radio") == ["turn on the lamp", "turn off the radio"], joint


def test_the_end_may_be_said_once() -> None:
    assert meant("set the lamp and the radio to red") == ["set the lamp to red", "set the radio to red"]
    assert meant("turn both the lamp and the radio on") == ["turn the lamp on", "turn the radio on"]


def test_an_end_is_lent_only_to_the_same_command() -> None:
    assert meant("set the lamp and add salt to red") == []


def test_joints_that_are_said_twice_make_no_command_of_their_own() -> None:
    assert meant("turn on the lamp and and and turn off the radio") == ["turn on the lamp", "turn off the radio"]
    assert meant("turn on the lamp,  and then and turn off the radio") == ["turn on the lamp", "turn off the radio"]


def test_a_sentence_with_many_joints_is_not_looked_at_for_long() -> None:
    tries: list[str] = []

    def nothing(text: str) -> None:
        tries.append(text)

    parse_commands(" and ".join(["nonsense of some words"] * MAX_COMMANDS), nothing)
    parse_commands(", ".join(["x"] * 100), nothing)
    parse_commands(" " * 1_000_000 + "and", nothing)
    assert len(tries) < 100


def test_more_commands_than_the_most_are_refused() -> None:
    assert len(meant(" and ".join(["turn on the lamp"] * MAX_COMMANDS))) == MAX_COMMANDS
    assert meant(" and ".join(["turn on the lamp"] * (MAX_COMMANDS + 1))) == []


@given(st.lists(st.sampled_from([*KNOWN, "and", "then", "the radio", "play it", "nonsense"]), max_size=9))
def test_every_command_found_is_one_that_is_known(words: list[str]) -> None:
    found = parse_commands(" and ".join(words), one)
    assert all(match.text in KNOWN or match.text.startswith("play ") for match in found)
    assert len(found) <= min(MAX_COMMANDS, len(words))
