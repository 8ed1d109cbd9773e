"""Rights of every kind of peer at every role, and what is left of what a peer says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.peer import STDIO_PEER, UNIX_PEER, Peer, member_peer, plain_peer
from wyoming_rosie.trust.rights import find_refusal, restate
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope
from wyoming_rosie.trust.tls import NO_SCOPES, MemberCertificate


def member(role: str, *scopes: Scope, room: str | None = "Kitchen") -> Peer:
    return peer_of(Member("0" * 16, f"a {role}", role, room, frozenset(scopes or TALK_SCOPES)))


def peer_of(one: Member) -> Peer:
    return member_peer("192.168.1.7", one, MemberCertificate(one, 0, 1))


def question(name: str) -> Event:
    return Event("user-event", {"name": name, "data": {}})


LOCAL = plain_peer("127.0.0.1")
HOME_ASSISTANT = plain_peer("192.168.1.10")
HUB, BRIDGE, SATELLITE = member("hub"), member("bridge"), member("satellite")
EVENTS = {
    "wake": [Event("detect"), Event("audio-start"), Event("audio-chunk"), Event("audio-stop"), question("scores")],
    "vad": [question("turn"), Event("audio-start"), Event("audio-chunk"), Event("audio-stop")],
    "asr": [
        *(Event("transcribe"), Event("audio-start"), Event("audio-chunk"), Event("audio-stop")),
        *(Event("voice-started"), Event("voice-stopped")),
    ],
    "tts": [
        *(Event("synthesize"), Event("synthesize-start"), Event("synthesize-chunk"), Event("synthesize-stop")),
    ],
    "intent": [
        *(Event("transcript"), Event("recognize"), Event("detection"), Event("run-pipeline")),
        *(question("home-state"), question("plugins"), question("room"), question("late-answer")),
        *(question("plugin-command"), question("memory")),
    ],
    "satellite": [Event("run-satellite"), Event("pause-satellite"), Event("audio-chunk"), Event("transcript")],
    "hub": [question("roster"), question("renew")],  # of the trust service
}
REQUESTS = [(role, event) for role, events in EVENTS.items() for event in events]
EVERYBODY = {
    "this machine": LOCAL,
    "unix": UNIX_PEER,
    "stdio": STDIO_PEER,
    "hub": HUB,
    "Home Assistant": HOME_ASSISTANT,
    "bridge": BRIDGE,
    "satellite": SATELLITE,
    "daemon": member("tts", room=None),
    "only audio": member("satellite", Scope.AUDIO),
    "only text": member("satellite", Scope.TEXT),
    "only act": member("satellite", Scope.ACT),
    "only read": member("satellite", Scope.READ),
    "admin": member("satellite", Scope.ADMIN),
}
"""Every kind of peer."""
MAY_NOT: dict[str, set[str]] = {
    "this machine": set(),
    "unix": set(),
    "stdio": set(),
    "hub": set(),
    "Home Assistant": {"memory"},
    "bridge": {"memory", "satellite"},
    "satellite": {"memory", "satellite"},
    "daemon": {"memory", "satellite"},
    "only audio": {"memory", "plugin-command", "satellite", "tts", "intent"},
    "only text": {"memory", "plugin-command", "satellite", "wake", "vad", "asr"},
    "only act": {"memory", "satellite", "wake", "vad", "asr", "tts", "intent"},
    "only read": {"memory", "plugin-command", "satellite", "wake", "vad", "asr", "tts", "intent"},
    "admin": {"satellite"},
}
"""The roles of which a peer may ask nothing, and the user-events that have a rule of their own."""
OWN_RULE = {"memory", "plugin-command"}


def is_forbidden(kind: str, role: str, event: Event) -> bool:
    name = str(event.data.get("name"))
    return (name if name in OWN_RULE else role) in MAY_NOT[kind]


@pytest.mark.parametrize("kind", EVERYBODY)
@pytest.mark.parametrize(
    ("role", "event"), REQUESTS, ids=[f"{r}-{e.type}-{e.data.get('name', '')}" for r, e in REQUESTS]
)
def test_who_may_ask_what(kind: str, role: str, event: Event) -> None:
    refusal = find_refusal(EVERYBODY[kind], role, event)
    assert (refusal is not None) is is_forbidden(kind, role, event), refusal


def test_every_role_that_listens_is_in_the_table() -> None:
    assert set(EVENTS) == set(BY_ROLE) - {"bridge"}


@pytest.mark.parametrize("role", EVENTS)
@given(
    event=st.builds(Event, st.text(min_size=1), st.fixed_dictionaries({"name": st.text() | st.none() | st.integers()}))
)
def test_no_event_is_open_to_a_member_without_scopes(role: str, event: Event) -> None:
    nobody = peer_of(Member("0" * 16, "nobody", "satellite", None, frozenset()))
    assert (find_refusal(nobody, role, event) is None) is (role == "hub")


def test_a_refusal_says_who_lacks_what_and_where_it_is_given() -> None:
    refusal = find_refusal(member("satellite", Scope.TEXT), "asr", Event("transcribe"))
    assert refusal is not None
    assert refusal.startswith("a satellite (satellite) may not do this: it lacks the scope 'audio'")
    assert "hub's machine" in refusal


def test_a_member_that_the_roster_does_not_know_yet_may_do_nothing_and_is_told_why() -> None:
    newcomer = peer_of(Member("0" * 16, "new", "satellite", scopes=NO_SCOPES))
    refusal = find_refusal(newcomer, "asr", Event("transcribe"))
    assert refusal is not None
    assert "the list of members here is older than it" in refusal


CLAIMS: dict[str, object] = {
    "area": "Bedroom",
    "device_id": "of the bedroom",
    "speaker": "ada",
    "confirmed": ["lock.door"],
    "turn_id": "t",
}
NAMED = {"hub": "a hub (hub)", "satellite": "a satellite (satellite)", "bridge": "a bridge (bridge)"}
SAID: dict[str, dict[str, object]] = {
    "this machine": CLAIMS,
    "hub": CLAIMS,
    "Home Assistant": {"area": "Bedroom", "device_id": "of the bedroom", "turn_id": "t", "caller": "192.168.1.10"},
    "bridge": {"area": "Bedroom", "device_id": "of the bedroom", "turn_id": "t", "caller": "a bridge (bridge)"},
    "satellite": {"area": "Kitchen", "turn_id": "t", "caller": "a satellite (satellite)"},
    "only text": {"area": "Kitchen", "turn_id": "t", "caller": "a satellite (satellite)", "allow_tools": False},
}


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("type_", ["transcript", "recognize", "detection", "user-event", "transcribe", "synthesize"])
def test_what_a_peer_may_say_of_itself(kind: str, type_: str) -> None:
    stated = restate(EVERYBODY[kind], Event(type_, {"text": "hello", "context": CLAIMS}))
    assert stated.data == {"text": "hello", "context": SAID[kind]}


@given(st.dictionaries(st.sampled_from([*CLAIMS, "caller", "allow_tools"]), st.none() | st.booleans() | st.text()))
def test_a_member_speaks_for_its_own_room_whatever_it_says(context: dict[str, object]) -> None:
    stated = restate(SATELLITE, Event("transcript", {"context": context})).data["context"]
    assert (stated["area"], stated["caller"]) == ("Kitchen", "a satellite (satellite)")
    assert stated.keys().isdisjoint({"speaker", "confirmed", "device_id"})


@pytest.mark.parametrize("context", [None, [], "Bedroom", 7])
def test_a_context_that_is_none_gets_the_room_too(context: object) -> None:
    assert restate(SATELLITE, Event("transcript", {"context": context})).data["context"]["area"] == "Kitchen"


def test_a_member_without_a_room_is_bound_to_none() -> None:
    stated = restate(member("satellite", room=None), Event("transcript", {"context": {"area": "Attic"}}))
    assert stated.data["context"]["area"] == "Attic"


def test_audio_passes_as_it_is() -> None:
    chunk = Event("audio-chunk", {"rate": 16000}, b"\0\0")
    assert restate(SATELLITE, chunk) is chunk
