"""The exchange of pairing between both sides, and what attackers between and beside them achieve."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.trust.members import MAX_NAME_CHARACTERS
from wyoming_rosie.trust.pairing.code import MAX_WRONG_TRIES, CodeEnd, OfferedCode, PairingCode
from wyoming_rosie.trust.pairing.exchange import (
    MAX_FRAME_BYTES,
    MAX_PIECES,
    PIECE_BYTES,
    Applied,
    HubExchange,
    JoinerExchange,
    RefusedError,
    Reply,
    Stored,
    WrongCodeError,
    split,
)
from wyoming_rosie.trust.pairing.key_exchange import KeyExchange, Side
from wyoming_rosie.trust.pairing.messages import (
    Application,
    Refusal,
    Refused,
    Welcome,
    decode_answer,
    decode_application,
    encode_answer,
)
from wyoming_rosie.trust.roster import SignedRoster

CODE = PairingCode("47", "12345678")
WRONG = PairingCode("47", "12345679")
APPLICATION = Application(b"request", "satellite", "raspberry", "0.1.0")
WELCOME = Welcome("küche.süd", "kitchen", b"certificate", b"authority", SignedRoster("{}", b"signature"))
Tamper = Callable[[int, bytes], bytes]


def unchanged(number: int, frame: bytes) -> bytes:
    return frame


@dataclass
class Link:
    """A connection between a joiner and a hub, with somebody on it who may change the frames, which are numbered."""

    offered: OfferedCode = field(default_factory=lambda: OfferedCode(CODE, deadline=120))
    code: PairingCode = CODE
    application: Application = APPLICATION
    welcome: Welcome = WELCOME
    tamper: Tamper = unchanged
    role: str = "satellite"
    now: float = 0.0
    frames: list[bytes] = field(default_factory=list)
    from_joiner: list[bytes] = field(default_factory=list)
    is_stored: bool = False

    def run(self) -> Welcome:
        """Return what the joiner gets. Raises what either side raises."""
        entropy = random.Random(20)
        joiner = JoinerExchange(self.code, self.application, entropy.randbytes)
        hub = HubExchange(self.offered, self.role, entropy.randbytes)
        sent: bytes | None = self._pass(joiner.start(), is_joiners=True)
        welcome: Welcome | None = None
        while sent is not None:
            output = hub.receive(sent, self.now)
            sent = None
            if isinstance(output, Stored):
                self.is_stored = True
                break
            reply = hub.answer(self.welcome) if isinstance(output, Applied) else output
            for frame in reply.frames:
                received = joiner.receive(self._pass(frame))
                if isinstance(received, Welcome):
                    welcome, received = received, joiner.stored()
                sent = sent if received is None else self._pass(received, is_joiners=True)
        assert welcome is not None
        return welcome

    def _pass(self, frame: bytes, *, is_joiners: bool = False) -> bytes:
        self.frames.append(frame)
        if is_joiners:
            self.from_joiner.append(frame)
        return self.tamper(len(self.frames) - 1, frame)


def test_who_knows_the_code_gets_what_makes_it_a_member() -> None:
    link = Link()
    assert link.run() == WELCOME
    assert link.is_stored
    assert link.offered.end(0) is CodeEnd.USED


def test_nothing_of_the_code_or_of_the_certificate_is_on_the_wire() -> None:
    link = Link()
    link.run()
    wire = b"".join(link.frames)
    assert not [secret for secret in (CODE.secret.encode(), b"certificate", b"kitchen", b"raspberry") if secret in wire]


def test_a_large_welcome_comes_in_frames_that_are_bounded() -> None:
    large = Welcome("a", None, b"certificate", b"authority", SignedRoster("x" * 400_000, b"signature"))
    link = Link(welcome=large)
    assert link.run() == large
    assert max(map(len, link.frames)) <= MAX_FRAME_BYTES


def test_a_joiner_reads_no_answer_without_end() -> None:
    hub_keys, joiner = _agreed()
    frames = [b"M" + hub_keys.seal(b"+" + b"x" * 100) for _ in range(MAX_PIECES)]
    for frame in frames[:-1]:
        assert joiner.receive(frame) is None
    with pytest.raises(BadEventError, match="pieces"):
        joiner.receive(frames[-1])


def test_a_wrong_code_is_refused_and_counted() -> None:
    link = Link(code=WRONG)
    with pytest.raises(RefusedError) as refused:
        link.run()
    assert refused.value.refused == Refused(Refusal.WRONG_CODE)
    assert link.offered.wrong_tries == 1


def test_ten_wrong_codes_are_three_tries_and_end_the_code_for_all() -> None:
    offered = OfferedCode(CODE, deadline=120)
    reasons = []
    for guess in range(10):
        with pytest.raises(RefusedError) as refused:
            Link(offered, PairingCode("47", f"{guess:08}")).run()
        reasons.append(refused.value.refused.reason)
    assert reasons == [Refusal.WRONG_CODE] * MAX_WRONG_TRIES + [Refusal.OVER] * (10 - MAX_WRONG_TRIES)
    with pytest.raises(RefusedError):
        Link(offered).run()


def test_guesses_that_began_before_the_code_ended_do_not_count_after_it() -> None:
    """Many connections at once are no more tries."""
    offered = OfferedCode(CODE, deadline=120)
    guesses = [(HubExchange(offered, "satellite"), JoinerExchange(WRONG, APPLICATION)) for _ in range(5)]
    confirmations = [_confirmation_of(hub, joiner) for hub, joiner in guesses]
    outputs = [hub.receive(sent, 0) for (hub, _), sent in zip(guesses, confirmations, strict=True)]
    tries = [isinstance(output, Reply) and output.is_wrong_try for output in outputs]
    assert tries == [True] * MAX_WRONG_TRIES + [False] * (5 - MAX_WRONG_TRIES)


def test_half_an_exchange_costs_no_try_and_tells_nothing() -> None:
    offered = OfferedCode(CODE, deadline=120)
    right, wrong = HubExchange(offered, "satellite"), HubExchange(offered, "satellite")
    for hub, code in ((right, CODE), (wrong, WRONG)):
        joiner = JoinerExchange(code, APPLICATION)
        output = hub.receive(joiner.start(), 0)
        assert isinstance(output, Reply)
        assert len(output.frames[0]) == 34  # the same for both
    assert offered.wrong_tries == 0


@pytest.mark.parametrize("now", [120.0, 1e9])
def test_a_code_that_is_too_old_is_refused(now: float) -> None:
    with pytest.raises(RefusedError) as refused:
        Link(now=now).run()
    assert refused.value.refused == Refused(Refusal.OVER)


def test_a_code_that_gets_too_old_in_an_exchange_is_refused() -> None:
    offered = OfferedCode(CODE, deadline=120)
    hub, joiner = HubExchange(offered, "satellite"), JoinerExchange(CODE, APPLICATION)
    confirmation = _confirmation_of(hub, joiner)
    output = hub.receive(confirmation, 121)
    assert isinstance(output, Reply)
    with pytest.raises(RefusedError):
        joiner.receive(output.frames[0])


def test_a_code_that_was_used_is_refused() -> None:
    link = Link()
    link.run()
    with pytest.raises(RefusedError) as refused:
        Link(link.offered).run()
    assert refused.value.refused == Refused(Refusal.OVER)


def test_of_two_programs_at_once_with_the_code_one_joins() -> None:
    offered = OfferedCode(CODE, deadline=120)
    pairs = [(HubExchange(offered, "satellite"), JoinerExchange(CODE, APPLICATION)) for _ in range(2)]
    applications = []
    for hub, joiner in pairs:
        confirmed = hub.receive(_confirmation_of(hub, joiner), 0)
        assert isinstance(confirmed, Reply)
        applications.append(joiner.receive(confirmed.frames[0]))
    outputs = [hub.receive(_bytes(sent), 0) for (hub, _), sent in zip(pairs, applications, strict=True)]
    assert [isinstance(output, Applied) for output in outputs] == [True, False]


def test_a_program_of_another_role_is_told_so_and_the_code_still_counts() -> None:
    offered = OfferedCode(CODE, deadline=120)
    with pytest.raises(RefusedError) as refused:
        Link(offered, role="asr").run()
    assert refused.value.refused == Refused(Refusal.ROLE, "asr")
    assert offered.end(0) is None
    assert offered.wrong_tries == 0


def test_a_replayed_exchange_gets_nothing() -> None:
    """What somebody has recorded of an exchange is of no use, even while the same code still counts."""
    recorded = Link()
    recorded.run()
    offered = OfferedCode(CODE, deadline=120)
    hub = HubExchange(offered, "satellite", random.Random(21).randbytes)
    outputs = [hub.receive(frame, 0) for frame in recorded.from_joiner[:2]]
    assert isinstance(outputs[1], Reply)
    assert outputs[1].is_wrong_try
    with pytest.raises(BadEventError):
        hub.receive(recorded.from_joiner[2], 0)


def test_a_sealed_message_is_none_for_its_own_sender() -> None:
    """Each side has a key of its own, so that no nonce is used twice with one."""
    hub, joiner = KeyExchange(Side.HUB, CODE.secret), KeyExchange(Side.JOINER, CODE.secret)
    shares = hub.share(), joiner.share()
    joiner.finish(shares[0])
    hub.finish(shares[1])
    assert hub.confirm(joiner.confirmation)
    assert joiner.confirm(hub.confirmation)
    for keys in (hub, joiner):
        with pytest.raises(BadEventError):
            keys.open(keys.seal(b"message"))


def test_a_reflected_share_is_refused() -> None:
    hub = HubExchange(OfferedCode(CODE, deadline=120), "satellite")
    own = KeyExchange(Side.HUB, CODE.secret).share()
    with pytest.raises(BadEventError):
        hub.receive(b"\x01" + own, 0)


@pytest.mark.parametrize("element", [b"\x00" * 32, b"\x01" + b"\x00" * 31, b"\xff" * 32], ids=["0", "1", "no point"])
@pytest.mark.parametrize("side", [Side.HUB, Side.JOINER])
def test_a_share_that_is_no_element_of_the_group_is_refused(side: Side, element: bytes) -> None:
    keys = KeyExchange(side, CODE.secret)
    keys.share()
    with pytest.raises(BadEventError):
        keys.finish((b"A" if side is Side.HUB else b"B") + element)


def test_another_version_is_refused_with_a_reason() -> None:
    hub, joiner = HubExchange(OfferedCode(CODE, deadline=120), "satellite"), JoinerExchange(CODE, APPLICATION)
    output = hub.receive(b"\x02" + joiner.start()[1:], 0)
    assert isinstance(output, Reply)
    with pytest.raises(RefusedError) as refused:
        joiner.receive(output.frames[0])
    assert refused.value.refused == Refused(Refusal.VERSION)


@settings(max_examples=60)
@given(st.integers(0, 6), st.integers(0, 10_000), st.integers(1, 255))
def test_whoever_changes_one_byte_on_the_way_ends_the_exchange(number: int, position: int, flip: int) -> None:
    def tamper(count: int, frame: bytes) -> bytes:
        if count != number:
            return frame
        at = position % len(frame)
        return frame[:at] + bytes([frame[at] ^ flip]) + frame[at + 1 :]

    link = Link(tamper=tamper)
    with pytest.raises(RosieError):
        link.run()
    assert not link.is_stored


def test_a_man_in_the_middle_has_one_guess_at_each_side() -> None:
    """He speaks with each side by a guess of his own: the hub counts it, and the joiner sees that he does not know the code."""
    offered = OfferedCode(CODE, deadline=120)
    with pytest.raises(RefusedError):
        Link(offered, WRONG).run()
    assert offered.wrong_tries == 1
    his = OfferedCode(WRONG, deadline=120)
    with pytest.raises(RefusedError):
        Link(his, CODE).run()
    assert his.end(0) is None


def test_a_hub_that_only_claims_to_have_confirmed_gets_no_application() -> None:
    hub, joiner = KeyExchange(Side.HUB, WRONG.secret), JoinerExchange(CODE, APPLICATION)
    share = hub.share()
    hub.finish(joiner.start()[1:])
    joiner.receive(b"S" + share)
    with pytest.raises(WrongCodeError):
        joiner.receive(b"C" + hub.confirmation)


@pytest.mark.parametrize("reason", [Refusal.ROLE, Refusal.FAILED, "x" * 60_000])
def test_a_stranger_cannot_refuse_with_a_reason_that_only_the_hub_knows(reason: str) -> None:
    joiner = JoinerExchange(CODE, APPLICATION)
    joiner.start()
    with pytest.raises(RefusedError) as refused:
        joiner.receive(b"E" + reason.encode())
    assert refused.value.refused == Refused(Refusal.BUSY)


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_a_hub_never_admits_who_sends_anything(frames: list[bytes]) -> None:
    offered = OfferedCode(CODE, deadline=120)
    hub = HubExchange(offered, "satellite")
    for frame in frames:
        try:
            assert isinstance(hub.receive(frame, 0), Reply)
        except BadEventError:
            continue
    assert offered.end(0) is None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([b"S", b"C", b"M", b"E", b"?", b""]), st.binary(max_size=80)), max_size=4))
def test_a_joiner_is_never_welcomed_by_who_sends_anything(frames: list[tuple[bytes, bytes]]) -> None:
    joiner = JoinerExchange(CODE, APPLICATION)
    joiner.start()
    for kind, content in frames:
        try:
            assert not isinstance(joiner.receive(kind + content), Welcome)
        except RosieError:
            continue


@given(st.integers(0, 3 * PIECE_BYTES + 5))
def test_pieces_are_the_message_again(length: int) -> None:
    message = bytes(length)
    pieces = list(split(message))
    assert b"".join(piece[1:] for piece in pieces) == message
    assert [piece[:1] for piece in pieces] == [b"+"] * (len(pieces) - 1) + [b"."]


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_message_is_read_or_refused(message: bytes) -> None:
    for decode in (decode_application, decode_answer):
        with pytest.raises(BadEventError):
            decode(message)


def test_what_a_joiner_says_of_itself_is_bounded_and_made_printable() -> None:
    said = {"request": "r", "role": "asr", "host": "a\x1b[31m\u202eb", "version": "1"}
    assert decode_application(json.dumps(said).encode()).host == "a?[31m?b"
    with pytest.raises(BadEventError):
        decode_application(json.dumps(said | {"host": "x" * (MAX_NAME_CHARACTERS + 1)}).encode())
    with pytest.raises(BadEventError):
        decode_application(json.dumps(said | {"role": "x" * 17}).encode())


@given(st.sampled_from(Refusal), st.text(max_size=16))
def test_a_refusal_is_read_as_it_was_sent(reason: Refusal, role: str) -> None:
    assert decode_answer(encode_answer(Refused(reason, role.encode(errors="replace").decode()))).reason is reason  # type: ignore[union-attr]


def _confirmation_of(hub: HubExchange, joiner: JoinerExchange) -> bytes:
    """Return the joiner's confirmation, after both have sent their shares."""
    output = hub.receive(joiner.start(), 0)
    assert isinstance(output, Reply)
    return _bytes(joiner.receive(output.frames[0]))


def _bytes(sent: object) -> bytes:
    assert isinstance(sent, bytes)
    return sent


def _agreed() -> tuple[KeyExchange, JoinerExchange]:
    """Return a hub's keys and a joiner that waits for the answer."""
    hub, joiner = KeyExchange(Side.HUB, CODE.secret), JoinerExchange(CODE, APPLICATION)
    share = hub.share()
    hub.finish(joiner.start()[1:])
    assert hub.confirm(_bytes(joiner.receive(b"S" + share)))
    hub.open(_bytes(joiner.receive(b"C" + hub.confirmation)))
    return hub, joiner
