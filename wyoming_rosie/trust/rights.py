"""Rights: what a peer may ask of a program of the house, and what it may say of itself. One rule for all programs."""

from collections.abc import Mapping
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.protocol.turn import CALLER, event_context
from wyoming_rosie.trust.peer import Peer, PeerKind
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope, includes

AUDIO_CHUNK = "audio-chunk"
"""The one event that says nothing of its sender and comes often."""
_EVERYTHING = frozenset(Scope)
_SCOPES = {
    "wake": Scope.AUDIO,
    "vad": Scope.AUDIO,
    "asr": Scope.AUDIO,
    "tts": Scope.TEXT,
    "intent": Scope.TEXT,
}
"""The scope that a request to a daemon needs, by its role; other programs look at who asks."""
_SCOPES_OF_QUESTIONS: Mapping[tuple[str, object], Scope] = {
    ("intent", "plugin-command"): Scope.ACT,
    ("intent", "memory"): Scope.ADMIN,  # of all rooms and persons
}
"""The scope that a user-event needs, by the daemon's role and its name, if it is another one."""


@dataclass(frozen=True)
class Rights:
    """What a peer may do."""

    scopes: frozenset[Scope]
    conducts: bool = False  # satellites: opens their microphones
    room: str | None = None  # the one that it speaks for; None for any
    vouches: bool = False  # says who speaks, who asked for something, and what was confirmed


def find_rights(peer: Peer) -> Rights:
    """Return the rights of a peer: of a program of this machine, Home Assistant, or a member by its role."""
    match peer.kind, peer.member:
        case PeerKind.LOCAL, _:
            return Rights(_EVERYTHING, conducts=True, vouches=True)
        case PeerKind.MEMBER, member if member is not None:
            return {
                "hub": Rights(_EVERYTHING, conducts=True, vouches=True),
                "bridge": Rights(member.scopes),  # carries what is said in all rooms
            }.get(member.role, Rights(member.scopes, room=member.room))
        case _:
            return Rights(TALK_SCOPES, conducts=True)  # Home Assistant, which --plain admits


def find_refusal(peer: Peer, role: str, event: Event) -> str | None:
    """Return why a program of a role refuses an event, None if its peer may send it."""
    rights = find_rights(peer)
    if role == "satellite" and not rights.conducts:
        return f"{peer} may not conduct a satellite; only the hub and Home Assistant do"
    needed = _find_scope(role, event)
    if needed is None or includes(rights.scopes, needed):
        return None
    if not rights.scopes:
        return f"{peer} may do nothing here: it has no scopes, or the list of members here is older than it; see that the hub runs"
    return (
        f"{peer} may not do this: it lacks the scope '{needed}', which the house's list of members, on the hub's machine, "
        "gives it"
    )


def restate(peer: Peer, event: Event) -> Event:
    """Return an event whose context says of its sender only what is proved: its room, its name, and whether it may act.

    Who speaks and what was confirmed is left out unless the peer may vouch for it.
    """
    rights = find_rights(peer)
    if rights.vouches or event.type == AUDIO_CHUNK:
        return event
    context = {key: value for key, value in event_context(event).items() if key not in ("speaker", "confirmed")}
    context[CALLER] = str(peer)
    if rights.room is not None:
        context.pop("device_id", None)  # leads to a room, too
        context["area"] = rights.room
    if not includes(rights.scopes, Scope.ACT):
        context["allow_tools"] = False
    return Event(event.type, {**event.data, "context": context}, event.payload)


def _find_scope(role: str, event: Event) -> Scope | None:
    if event.type == "user-event" and (found := _SCOPES_OF_QUESTIONS.get((role, event.data.get("name")))):
        return found
    return _SCOPES.get(role)
