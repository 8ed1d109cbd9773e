"""Exchange of pairing: both sides as state machines, from frame to frame, without sockets, clocks or files.

    joiner -> hub    version, share
    hub -> joiner    share                    tells nothing about the code
    joiner -> hub    confirmation             the hub counts a wrong one as a try
    hub -> joiner    confirmation
    joiner -> hub    application, sealed      certificate request, role
    hub -> joiner    welcome, sealed          certificates, roster, name, room; in pieces
    joiner -> hub    stored, sealed           else the hub takes the member back

The joiner confirms first, so that whoever guesses has to show the guess: the hub counts it, and silence tells nothing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.trust.pairing.code import OfferedCode, PairingCode
from wyoming_rosie.trust.pairing.key_exchange import KeyExchange, Side
from wyoming_rosie.trust.pairing.messages import (
    Application,
    Refusal,
    Refused,
    Welcome,
    decode_answer,
    decode_application,
    encode_answer,
    encode_application,
    parse_refusal,
)

VERSION = b"\x01"
MAX_FRAME_BYTES = 65_536
PIECE_BYTES = 60_000
MAX_PIECES = 32
OPEN_REFUSALS = frozenset({Refusal.WRONG_CODE, Refusal.OVER, Refusal.BUSY, Refusal.VERSION})
"""Refusals of a joiner that has not proved to know the code."""
_SHARE, _CONFIRMATION, _SEALED, _REFUSED = b"S", b"C", b"M", b"E"
"""First byte of each frame of the hub."""
_MORE, _LAST = b"+", b"."
"""First byte of each piece of a sealed message."""
_STORED = b"stored"


class RefusedError(RosieError):
    """The hub has refused this program."""

    code = "refused"

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"the hub refused this program: {refused.reason}")
        self.refused = refused


class WrongCodeError(RosieError):
    """The hub has not proved that it knows the code."""

    code = "wrong-code"


@dataclass(frozen=True)
class Reply:
    """Frames to send. After the last ones, the hub closes the connection."""

    frames: Sequence[bytes]
    is_last: bool = False
    is_wrong_try: bool = False


@dataclass(frozen=True)
class Applied:
    """A program that knows the code asks for a certificate; `HubExchange.answer` goes on."""

    application: Application


@dataclass(frozen=True)
class Stored:
    """The new member has stored what it got."""


HubOutput: TypeAlias = Reply | Applied | Stored


class _HubPhase(Enum):
    SHARE = auto()
    CONFIRMATION = auto()
    APPLICATION = auto()
    ANSWER = auto()
    STORED = auto()
    OVER = auto()


class HubExchange:
    """The hub's side of one connection. All exchanges share the offered code, so call them from one thread."""

    def __init__(self, offered: OfferedCode, role: str, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._offered = offered
        self._role = role
        self._keys = KeyExchange(Side.HUB, offered.code.secret, entropy)
        self._phase = _HubPhase.SHARE

    def receive(self, frame: bytes, now: float) -> HubOutput:
        """Return what follows from the joiner's next frame. Raises BadEventError for one that is not valid now."""
        phase, self._phase = self._phase, _HubPhase.OVER  # unless this frame is valid
        match phase:
            case _HubPhase.SHARE:
                return self._agree(frame, now)
            case _HubPhase.CONFIRMATION:
                return self._confirm(frame, now)
            case _HubPhase.APPLICATION:
                return self._read_application(frame, now)
            case _HubPhase.STORED if self._keys.open(frame) == _STORED:
                return Stored()
        raise BadEventError("a frame of pairing came when none was expected")

    def answer(self, answer: Welcome | Refused) -> Reply:
        """Return the frames that answer the application."""
        assert self._phase is _HubPhase.ANSWER
        self._phase = _HubPhase.OVER if isinstance(answer, Refused) else _HubPhase.STORED
        frames = [_SEALED + self._keys.seal(piece) for piece in split(encode_answer(answer))]
        return Reply(frames, is_last=isinstance(answer, Refused))

    def _agree(self, frame: bytes, now: float) -> Reply:
        if frame[:1] != VERSION:
            return refuse(Refusal.VERSION)
        if self._offered.end(now) is not None:
            return refuse(Refusal.OVER)
        share = self._keys.share()
        self._keys.finish(frame[1:])
        self._phase = _HubPhase.CONFIRMATION
        return Reply([_SHARE + share])

    def _confirm(self, frame: bytes, now: float) -> Reply:
        if self._offered.end(now) is not None:  # before the comparison: no answer to a guess that does not count
            return refuse(Refusal.OVER)
        if not self._keys.confirm(frame):
            self._offered.note_wrong_try()
            return replace(refuse(Refusal.WRONG_CODE), is_wrong_try=True)
        self._phase = _HubPhase.APPLICATION
        return Reply([_CONFIRMATION + self._keys.confirmation])

    def _read_application(self, frame: bytes, now: float) -> HubOutput:
        application = decode_application(self._keys.open(frame))
        self._phase = _HubPhase.ANSWER
        if application.role != self._role:  # another program of the owner's: the code still counts
            return self.answer(Refused(Refusal.ROLE, self._role))
        if self._offered.use(now) is not None:
            return self.answer(Refused(Refusal.OVER))
        return Applied(application)


class _JoinerPhase(Enum):
    SHARE = auto()
    CONFIRMATION = auto()
    ANSWER = auto()
    WELCOMED = auto()
    OVER = auto()


class JoinerExchange:
    """The side of a program that joins, for one connection: each one allows its peer one guess of the code."""

    def __init__(
        self, code: PairingCode, application: Application, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._keys = KeyExchange(Side.JOINER, code.secret, entropy)
        self._application = application
        self._phase = _JoinerPhase.SHARE
        self._pieces: list[bytes] = []

    def start(self) -> bytes:
        """Return the first frame."""
        return VERSION + self._keys.share()

    def receive(self, frame: bytes) -> bytes | Welcome | None:
        """Return the frame that answers the hub's, the hub's welcome, or None for a piece of it.

        Raises RefusedError, WrongCodeError; BadEventError for a frame that is not valid now.
        """
        phase, self._phase = self._phase, _JoinerPhase.OVER  # unless this frame is valid
        kind, content = frame[:1], frame[1:]
        if kind == _REFUSED:
            raise RefusedError(_parse_open_refusal(content))
        match phase, kind:
            case _JoinerPhase.SHARE, b"S":
                self._keys.finish(content)
                self._phase = _JoinerPhase.CONFIRMATION
                return self._keys.confirmation
            case _JoinerPhase.CONFIRMATION, b"C":
                return self._apply(content)
            case _JoinerPhase.ANSWER, b"M":
                return self._collect(self._keys.open(content))
        raise BadEventError("the hub sent a frame of pairing that was not expected")

    def stored(self) -> bytes:
        """Return the frame that tells that the welcome is stored."""
        assert self._phase is _JoinerPhase.WELCOMED
        return self._keys.seal(_STORED)

    def _apply(self, confirmation: bytes) -> bytes:
        if not self._keys.confirm(confirmation):
            raise WrongCodeError("the hub has not proved that it knows the code")
        self._phase = _JoinerPhase.ANSWER
        return self._keys.seal(encode_application(self._application))

    def _collect(self, piece: bytes) -> Welcome | None:
        self._pieces.append(piece[1:])
        if piece[:1] == _MORE:
            if len(self._pieces) >= MAX_PIECES:
                raise BadEventError(f"the hub's answer has more than {MAX_PIECES} pieces")
            self._phase = _JoinerPhase.ANSWER
            return None
        answer = decode_answer(b"".join(self._pieces))
        if isinstance(answer, Refused):
            raise RefusedError(answer)
        self._phase = _JoinerPhase.WELCOMED
        return answer


def _parse_open_refusal(content: bytes) -> Refused:
    """Return a refusal that anybody may have sent: it says nothing that only a hub with the code knows."""
    reason = parse_refusal(content.decode(errors="replace"))
    return Refused(reason if reason in OPEN_REFUSALS else Refusal.BUSY)


def refuse(reason: Refusal) -> Reply:
    """Return a refusal for a joiner that has not proved to know the code."""
    return Reply([_REFUSED + reason.encode()], is_last=True)


def split(message: bytes) -> Iterator[bytes]:
    """Yield a message in pieces that fit in a frame each, at least one."""
    starts = range(0, max(len(message), 1), PIECE_BYTES)
    for start in starts:
        yield (_LAST if start == starts[-1] else _MORE) + message[start : start + PIECE_BYTES]
