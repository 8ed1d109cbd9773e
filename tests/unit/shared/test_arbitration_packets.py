"""Packets among satellites: what is not of this house, not whole, or not new, changes nothing."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.wakeword.arbitration.key_ring import FORMER_KEY_SECONDS, KeyRing
from wyoming_rosie.wakeword.arbitration.neighbours import PRESENCE_SECONDS, REMEMBERED_SECONDS, ReplayWindow
from wyoming_rosie.wakeword.arbitration.packets import (
    MAC_BYTES,
    MAX_NEIGHBOURS,
    MAX_PACKET_BYTES,
    BadPacketError,
    Content,
    Packet,
    PacketCodec,
    PeerAnswer,
    PeerClaim,
    PeerPresence,
    PeerReceipt,
    PeerTurnEnd,
)
from wyoming_rosie.wakeword.arbitration.peer_arbiter import CUT_OFF_SECONDS, Decided
from wyoming_rosie.wakeword.arbitration.peer_node import PeerNode
from wyoming_rosie.wakeword.arbitration.rules import WINDOW_SECONDS, Claim

CODEC = PacketCodec(b"the key of this house, a long one")
SESSION = b"session0"
WORD = "okay_nabu"
TEXTS = st.text(max_size=16)
SESSIONS = st.binary(min_size=8, max_size=8)
CLAIMS = st.builds(
    Claim,
    st.just(SESSION.hex()),
    TEXTS,
    st.none() | st.integers(0, 1000),
    st.none() | st.integers(0, 1000),
    st.integers(0, 60_000),
    st.booleans(),
    st.booleans(),
)
CONTENTS = st.one_of(
    st.builds(
        PeerPresence,
        TEXTS,
        st.lists(SESSIONS, max_size=MAX_NEIGHBOURS // 2).map(tuple),
        st.lists(SESSIONS, max_size=MAX_NEIGHBOURS // 2).map(tuple),
    ),
    st.builds(PeerClaim, CLAIMS, st.integers(0, 60_000)),
    st.builds(PeerAnswer, TEXTS),
    st.builds(PeerReceipt, TEXTS),
    st.just(PeerTurnEnd()),
)
Network = dict[str, PeerNode]


@given(CONTENTS, st.integers(0, 2**64 - 1))
def test_packets_survive_the_way(content: Content, counter: int) -> None:
    packet = Packet(SESSION, counter, content)
    data = CODEC.encode(packet)
    assert CODEC.decode(data) == packet
    assert len(data) <= MAX_PACKET_BYTES


@given(st.binary(max_size=2 * MAX_PACKET_BYTES))
def test_noise_is_no_packet(data: bytes) -> None:
    with pytest.raises(BadPacketError):
        CODEC.decode(data)


@given(CONTENTS, st.data())
def test_a_changed_packet_is_refused(content: Content, data: st.DataObject) -> None:
    packet = bytearray(CODEC.encode(Packet(SESSION, 1, content)))
    packet[data.draw(st.integers(0, len(packet) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadPacketError):
        CODEC.decode(bytes(packet))


@given(st.binary(max_size=200), st.integers(0, 255))
def test_a_signed_packet_is_read_strictly(body: bytes, kind: int) -> None:
    """Whoever has the key may be broken; what is read is what would be written."""
    head = CODEC.encode(Packet(SESSION, 1, PeerAnswer("")))[: -MAC_BYTES - 2]
    data = head + bytes([kind]) + body
    signed = data + CODEC._sign(data)[:MAC_BYTES]
    try:
        packet = CODEC.decode(signed)
    except BadPacketError:
        return
    assert CODEC.encode(packet) == signed


def test_long_texts_are_cut() -> None:
    decoded = CODEC.decode(CODEC.encode(Packet(SESSION, 0, PeerAnswer("ä" * 100))))
    assert decoded.content == PeerAnswer("ä" * 32)


def test_houses_do_not_disturb_each_other() -> None:
    other = PacketCodec(b"the key of another house, a long one")
    with pytest.raises(BadPacketError, match="not of this house"):
        CODEC.decode(other.encode(Packet(SESSION, 0, PeerAnswer(WORD))))


@given(st.lists(st.integers(0, 200), max_size=60))
def test_each_counter_is_accepted_once(counters: Sequence[int]) -> None:
    window = ReplayWindow()
    accepted = [counter for counter in counters if window.accept(counter)]
    assert len(accepted) == len(set(accepted))
    assert not counters or max(counters) in accepted


def test_packets_may_overtake_each_other() -> None:
    window = ReplayWindow()
    assert all(window.accept(counter) for counter in (5, 3, 4, 60, 6))
    assert not window.accept(3)
    assert window.accept(1000)
    assert not window.accept(900)


# A house of nodes


def _house(*names: str) -> Network:
    return {
        name: PeerNode(KeyRing(CODEC), name, number.to_bytes(8, "big"), random.Random(number))
        for number, name in enumerate(names)
    }


def _pass_on(house: Network, now: float) -> tuple[list[bytes], dict[str, list[Decided]]]:
    """Carry all packets to all others; return them, and what was decided by that."""
    carried: list[bytes] = []
    decided: dict[str, list[Decided]] = {name: [] for name in house}
    for sender in house.values():
        outgoing, sender.outgoing = sender.outgoing, []
        for packet in outgoing:
            carried.append(packet.data)
            for name, receiver in house.items():
                if receiver is not sender:
                    decided[name] += receiver.receive(packet.data, sender.name, now)
    return carried, decided


def _run(house: Network, start: float, seconds: float) -> tuple[list[bytes], dict[str, list[Decided]]]:
    carried: list[bytes] = []
    decided: dict[str, list[Decided]] = {name: [] for name in house}
    for step in range(round(100 * seconds)):
        now = start + step / 100
        for name, node in house.items():
            decided[name] += node.advance(now)
        packets, found = _pass_on(house, now)
        carried += packets
        for name in house:
            decided[name] += found[name]
    return carried, decided


def _claim(snr: int) -> Claim:
    return Claim("", WORD, 900, snr)


def test_satellites_find_each_other_in_two_seconds_and_with_few_packets() -> None:
    house = _house("kitchen", "hall", "office")
    carried, _ = _run(house, 0.0, 2.0)
    assert not any(node.is_alone(2.0) for node in house.values())
    assert len(carried) <= 4 * len(house)


def test_presences_are_rare() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    carried, _ = _run(house, 2.0, 5 * PRESENCE_SECONDS)
    assert len(carried) <= 2 * 7


def test_the_louder_one_answers_and_both_know_the_name() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    assert house["kitchen"].claim(_claim(300), 2.0) == house["hall"].claim(_claim(100), 2.0) == []
    _, decided = _run(house, 2.0, 1.0)
    assert decided == {
        "kitchen": [Decided(WORD, wins=True, winner="kitchen", others=("hall",))],
        "hall": [Decided(WORD, wins=False, winner="kitchen")],
    }


def test_a_satellite_that_was_not_heard_for_a_day_does_not_count() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    assert house["kitchen"].is_alone(3.0 + REMEMBERED_SECONDS)


def test_recorded_packets_change_nothing() -> None:
    """Neither those of before the restart of the one that hears them, nor those of before that of the one that sent them."""
    house = _house("kitchen", "hall")
    recorded, _ = _run(house, 0.0, 2.0)
    house["hall"].claim(_claim(500), 2.0)
    recorded += _run(house, 2.0, 1.0)[0]
    victim = house["kitchen"]
    restarted = PeerNode(KeyRing(CODEC), "kitchen", b"a later ", random.Random(1))
    for target in (victim, restarted):
        decided = [one for data in recorded for one in target.receive(data, "attacker", 10.0)]
        target.claim(_claim(100), 10.0)
        decided += [one for data in recorded for one in target.receive(data, "attacker", 10.01)]
        assert decided == []
        assert target.advance(10.01 + CUT_OFF_SECONDS)[0].wins
    assert restarted.is_alone(11.0)


def test_a_flood_of_recordings_displaces_no_neighbour_and_is_answered_rarely() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    kitchen = house["kitchen"]
    flood = [CODEC.encode(Packet(number.to_bytes(8, "little"), 0, PeerPresence("x"))) for number in range(1000, 2000)]
    for data in flood:
        kitchen.receive(data, "attacker", 3.0)
        kitchen.advance(3.0)
    assert not kitchen.is_alone(4.0)
    assert len(kitchen.outgoing) <= 1


def test_a_restarted_satellite_is_found_again() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["hall"] = PeerNode(KeyRing(CODEC), "hall", b"restarte", random.Random(1))
    _run(house, 10.0, 2.0)
    house["kitchen"].claim(_claim(100), 12.0)
    house["hall"].claim(_claim(300), 12.0)
    _, decided = _run(house, 12.0, 1.0)
    assert [decided[name][0].wins for name in house] == [False, True]


def test_strangers_are_counted_and_ignored() -> None:
    kitchen = _house("kitchen")["kitchen"]
    stranger = PacketCodec(b"another house with a key")
    for content in (PeerPresence("x", (kitchen.session,)), PeerAnswer(WORD), PeerClaim(_claim(900))):
        assert kitchen.receive(stranger.encode(Packet(SESSION, 0, content)), "x", 0.0) == []
    assert kitchen.refused == 3
    assert kitchen.is_alone(0.0)


def test_who_did_not_hear_the_word_is_no_reason_to_wait_and_who_is_gone_is_one_only_once() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].claim(_claim(300), 2.0)
    assert _run(house, 2.0, WINDOW_SECONDS + 0.02)[1]["kitchen"][0].wins
    del house["hall"]
    for start, seconds in ((10.0, CUT_OFF_SECONDS), (20.0, WINDOW_SECONDS)):
        house["kitchen"].claim(_claim(300), start)
        assert _run(house, start, seconds - 0.02)[1] == {"kitchen": []}
        assert _run(house, start + seconds, 0.02)[1]["kitchen"][0].wins


def test_who_was_told_at_once_has_asked_nobody_and_still_waits_when_cut_off() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].claim(_claim(300), 2.0)
    _run(house, 2.0, 1.0)
    [told] = house["hall"].claim(_claim(100), 3.0)
    assert not told.wins
    del house["kitchen"]
    house["hall"].claim(_claim(100), 10.0)
    assert _run(house, 10.0, 2 * WINDOW_SECONDS)[1] == {"hall": []}


def test_nobody_decides_at_once_without_a_satellite_that_was_silent_the_time_before() -> None:
    """Its claim may be on its way, and so may its decision."""
    house = _house("kitchen", "hall", "office")
    _run(house, 0.0, 2.0)
    del house["office"]
    house["kitchen"].claim(_claim(300), 2.0)
    _run(house, 2.0, 1.0)
    house["kitchen"].claim(_claim(300), 10.0)
    house["hall"].claim(_claim(100), 10.0)
    assert _run(house, 10.0, WINDOW_SECONDS - 0.02)[1] == {"kitchen": [], "hall": []}


def test_satellites_that_both_hear_the_word_decide_at_once() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].claim(_claim(300), 2.0)
    house["hall"].claim(_claim(100), 2.0)
    _, decided = _run(house, 2.0, 0.03)
    assert [decided[name][0].wins for name in house] == [True, False]


def test_a_word_in_another_room_is_answered_once_the_first_turn_is_over() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].claim(_claim(300), 2.0)
    _run(house, 2.0, 0.8)
    assert not house["hall"].claim(_claim(300), 2.9)[0].wins
    house["kitchen"].end_turn(3.0)
    _pass_on(house, 3.0)
    house["hall"].claim(_claim(300), 3.1)
    assert _run(house, 3.1, WINDOW_SECONDS + 0.02)[1]["hall"][0].wins


# Changes of the key


KEYS = [PacketCodec(bytes([number]) * 32) for number in range(3)]


def _change_keys(house: Network, codec: PacketCodec, now: float) -> None:
    for node in house.values():
        node.change_key(codec, now)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 2 * FORMER_KEY_SECONDS)), max_size=6), st.data())
def test_the_present_key_counts_and_the_former_one_for_a_minute(
    changes: Sequence[tuple[int, float]], data: st.DataObject
) -> None:
    ring, now = KeyRing(CODEC), 0.0
    history = [(CODEC, now)]
    for number, pause in changes:
        now += pause
        ring.change(KEYS[number], now)
        history.append((KEYS[number], now))
    now += data.draw(st.floats(0, 2 * FORMER_KEY_SECONDS))
    counting = [history[-1][0], *(codec for codec, _ in history[-2:-1] if now < history[-1][1] + FORMER_KEY_SECONDS)]
    packet = Packet(SESSION, 1, PeerAnswer(WORD))
    assert history[-1][0].decode(ring.encode(packet)) == packet
    for codec in (CODEC, *KEYS):
        if codec in counting:
            assert ring.decode(codec.encode(packet), now) == packet
        else:
            with pytest.raises(BadPacketError):
                ring.decode(codec.encode(packet), now)


def test_without_a_key_no_packet_counts() -> None:
    with pytest.raises(BadPacketError, match="no key"):
        KeyRing().decode(CODEC.encode(Packet(SESSION, 0, PeerAnswer(WORD))), 0.0)


def test_satellites_with_different_keys_find_each_other_at_once_after_the_change() -> None:
    house = _house("kitchen", "hall")
    house["hall"] = PeerNode(KeyRing(KEYS[0]), "hall", b"the hall", random.Random(1))
    _run(house, 0.0, 4.0)
    assert all(node.is_alone(4.0) for node in house.values())
    house["hall"].change_key(CODEC, 5.0)
    _run(house, 5.0, 2.0)
    assert not any(node.is_alone(7.0) for node in house.values())


def test_nobody_is_deaf_while_the_key_changes() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].change_key(KEYS[0], 10.0)
    house["kitchen"].claim(_claim(100), 11.0)
    house["hall"].claim(_claim(300), 11.0)  # with the former key
    _, decided = _run(house, 11.0, 1.0)
    assert [decided[name][0].wins for name in house] == [False, True]


def test_a_member_that_was_away_is_heard_again_once_it_has_the_key() -> None:
    house = _house("kitchen", "hall")
    _run(house, 0.0, 2.0)
    house["kitchen"].change_key(KEYS[0], 10.0)
    later = 10.0 + 2 * FORMER_KEY_SECONDS
    house["hall"].claim(_claim(300), later)
    house["kitchen"].claim(_claim(100), later)
    _, decided = _run(house, later, 1.0)
    assert [decided[name][0].wins for name in house] == [True, True]  # each hears nobody, and nobody is silent
    house["hall"].change_key(KEYS[0], later + 5)
    house["hall"].claim(_claim(300), later + 5)
    house["kitchen"].claim(_claim(100), later + 5)
    _, decided = _run(house, later + 5, 1.0)
    assert [decided[name][0].wins for name in house] == [False, True]


def test_a_revoked_satellite_changes_nothing() -> None:
    """It has the former key and all sessions, and lasts until the minute is over."""
    house = _house("kitchen", "hall", "stolen")
    _run(house, 0.0, 2.0)
    stolen = house.pop("stolen")
    _change_keys(house, KEYS[0], 10.0)
    later = 11.0 + FORMER_KEY_SECONDS
    everybody = {**house, "stolen": stolen}
    for name, snr in (("stolen", 900), ("kitchen", 300), ("hall", 100)):
        everybody[name].claim(_claim(snr), later)
    _, decided = _run(everybody, later, 1.0)
    assert {name: decided[name][0].winner for name in house} == {"kitchen": "kitchen", "hall": "kitchen"}
    assert house["kitchen"].refused > 0
