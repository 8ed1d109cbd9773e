"""Names: what strangers write never leaves its token, and patterns match as the brokers' own do."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wyoming_rosie.bus import names
from wyoming_rosie.bus.errors import BadMessageError

TOKEN = re.compile(r"[a-z0-9_-]{1,64}")
HOSTILE = ("", ".", "a.b", "*", ">", "+", "#", "a/b", "../..", "a b", "\0", "\n", "é", "İ", "x" * 300, "$SYS", "\ud800")
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80), st.text(".*>+#/ $a", max_size=10))


@given(TEXTS)
def test_any_text_becomes_one_token(text: str) -> None:
    assert TOKEN.fullmatch(names.escape_token(text))


@given(TEXTS)
def test_a_token_stays_what_it_is(text: str) -> None:
    token = names.escape_token(text)
    assert names.escape_token(token) == token


@given(TEXTS, TEXTS)
def test_texts_of_others_change_neither_the_place_nor_the_number_of_tokens(one: str, other: str) -> None:
    for subject, pattern in (
        (names.intent_subject(one, names.action_of(other)), "voice.intent.*.*"),
        (names.vision_subject("object", one), "vision.event.object.*"),
        (names.vision_subject("zone", one, "entered"), "vision.event.zone.*.entered"),
        (names.response_subject(one), "llm.response.*"),
        (names.delta_subject(one), "llm.response.*.delta"),
        (names.result_subject(one), "automation.result.*"),
    ):
        assert all(TOKEN.fullmatch(token) for token in subject.split("."))
        assert names.matches_subject(pattern, subject)


@given(TEXTS)
def test_a_device_id_is_a_token_or_refused(text: str) -> None:
    for name in (names.voice_topic, names.camera_topic):
        try:
            topic = name(text, "status")
        except BadMessageError:
            assert not TOKEN.fullmatch(text)
        else:
            assert topic.split("/")[1:] == [text, "status"]
            assert TOKEN.fullmatch(text)


@pytest.mark.parametrize("route", ["", "chat", "chat.*", ">", "media.x", "Chat.small"])
def test_only_known_routes_have_subjects(route: str) -> None:
    with pytest.raises(BadMessageError, match="there is no route"):
        names.route_subject(route)


@pytest.mark.parametrize(
    ("intent", "action"),
    [("HassTurnOn", "turn_on"), ("HassLightSet", "light_set"), ("hello", "hello"), ("", "_"), ("x.*.>", "x_")],
)
def test_an_intent_is_an_action(intent: str, action: str) -> None:
    assert names.action_of(intent) == action


LEVELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5)


def simply_matches(pattern: list[str], tokens: list[str], one: str, rest: str, least_rest: int) -> bool:
    """Match token by token, as the specifications of NATS and MQTT are worded."""
    if not pattern:
        return not tokens
    if pattern[0] == rest:
        return len(tokens) >= least_rest
    return (
        bool(tokens)
        and pattern[0] in (one, tokens[0])
        and simply_matches(pattern[1:], tokens[1:], one, rest, least_rest)
    )


@given(LEVELS, st.lists(st.sampled_from(["a", "b", "c", "*"]), max_size=5), st.booleans())
@example(["a"], [], True)
@example(["a"], ["a"], True)
def test_subjects_match_as_in_nats(tokens: list[str], pattern: list[str], has_rest: bool) -> None:
    pattern = [*pattern, *([">"] if has_rest or not pattern else [])]
    expected = simply_matches(pattern, tokens, "*", ">", 1)
    assert names.matches_subject(".".join(pattern), ".".join(tokens)) == expected


@given(LEVELS, st.lists(st.sampled_from(["a", "b", "c", "+"]), max_size=5), st.booleans())
@example(["a"], ["a"], True)
def test_topics_match_as_in_mqtt(levels: list[str], pattern: list[str], has_rest: bool) -> None:
    pattern = [*pattern, *(["#"] if has_rest or not pattern else [])]
    expected = simply_matches(pattern, levels, "+", "#", 0)
    assert names.matches_topic("/".join(pattern), "/".join(levels)) == expected


@pytest.mark.parametrize("topic_filter", ["#", "+/broker/uptime", "+/#"])
def test_wildcards_leave_out_the_topics_of_the_broker_itself(topic_filter: str) -> None:
    assert not names.matches_topic(topic_filter, "$SYS/broker/uptime")
    assert names.matches_topic("$SYS/#", "$SYS/broker/uptime")
