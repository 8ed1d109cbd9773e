"""Frames of ESPHome's API: any split of the bytes gives the same frames, and hostile bytes end the connection."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise.connection import NoiseConnection

from wyoming_rosie_satellite.esphome.framing import (
    KEY_BYTES,
    MAX_FRAME_BYTES,
    NO_KEY,
    ApiFrame,
    DeviceIdentity,
    FramingError,
    NoiseFraming,
    PlainFraming,
    create_framing,
)

IDENTITY = DeviceIdentity("kitchen-a1b2c3", "02a1b2c3d4e5")
KEY = bytes(range(KEY_BYTES))
FRAMES = st.lists(st.builds(ApiFrame, st.integers(0, 65_535), st.binary(max_size=400)), max_size=5)


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


class NoiseClient:
    """The client's end of the encryption."""

    def __init__(self, key: bytes, hello: bytes = b"") -> None:
        self._hello = hello
        self._noise = NoiseConnection.from_name(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256")
        self._noise.set_as_initiator()
        self._noise.set_psks(key)
        self._noise.set_prologue(b"NoiseAPIInit" + len(hello).to_bytes(2) + hello)
        self._noise.start_handshake()

    def begin(self) -> bytes:
        return wrap(self._hello) + wrap(b"\0" + bytes(self._noise.write_message()))

    def finish(self, answer: bytes) -> None:
        self._noise.read_message(answer)

    def encode(self, frame: ApiFrame) -> bytes:
        return wrap(self._noise.encrypt(frame.type.to_bytes(2) + len(frame.payload).to_bytes(2) + frame.payload))

    def decode(self, body: bytes) -> ApiFrame:
        content = self._noise.decrypt(body)
        return ApiFrame(int.from_bytes(content[:2]), content[4:])


def wrap(body: bytes) -> bytes:
    return b"\x01" + len(body).to_bytes(2) + body


def bodies(data: bytes) -> list[bytes]:
    found = []
    while data:
        end = 3 + int.from_bytes(data[1:3])
        found.append(data[3:end])
        data = data[end:]
    return found


def connected(key: bytes = KEY, hello: bytes = b"") -> tuple[NoiseFraming, NoiseClient]:
    device, client = NoiseFraming(IDENTITY, key), NoiseClient(key, hello)
    assert device.feed(client.begin()) == []
    names, answer = bodies(device.take_reply())
    assert names == b"\x01kitchen-a1b2c3\x0002a1b2c3d4e5\x00"
    assert answer[:1] == b"\0"
    client.finish(answer[1:])
    return device, client


@given(FRAMES, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_split_of_plain_frames_gives_the_same_frames(frames: list[ApiFrame], cuts: list[int]) -> None:
    data = b"".join(PlainFraming().encode(frame) for frame in frames)
    reader = PlainFraming()
    assert [frame for piece in split(data, cuts) for frame in reader.feed(piece)] == frames


@given(FRAMES, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_split_of_encrypted_frames_gives_the_same_frames(frames: list[ApiFrame], cuts: list[int]) -> None:
    device, client = connected()
    data = b"".join(client.encode(frame) for frame in frames)
    assert [frame for piece in split(data, cuts) for frame in device.feed(piece)] == frames
    answers = [device.encode(frame) for frame in frames]
    assert [client.decode(bodies(answer)[0]) for answer in answers] == frames


@given(st.lists(st.integers(0, 200), max_size=9))
def test_any_split_of_a_handshake_ends_in_an_encrypted_connection(cuts: list[int]) -> None:
    device, client = NoiseFraming(IDENTITY, KEY), NoiseClient(KEY)
    reply = b""
    for piece in split(client.begin(), cuts):
        device.feed(piece)
        reply += device.take_reply()
    client.finish(bodies(reply)[1][1:])
    assert device.feed(client.encode(ApiFrame(7, b""))) == [ApiFrame(7, b"")]


def test_what_a_newer_client_says_in_its_hello_is_part_of_the_handshake() -> None:
    device, client = connected(hello=b"newer")
    assert device.feed(client.encode(ApiFrame(7, b""))) == [ApiFrame(7, b"")]


def test_a_wrong_key_is_refused_with_the_words_that_home_assistant_knows() -> None:
    device = NoiseFraming(IDENTITY, KEY)
    with pytest.raises(FramingError) as refusal:
        device.feed(NoiseClient(NO_KEY).begin())
    assert bodies(refusal.value.farewell) == [b"\x01Handshake MAC failure"]
    assert bodies(device.take_reply()) == [b"\x01kitchen-a1b2c3\x0002a1b2c3d4e5\x00"]


def test_a_device_with_a_key_refuses_plain_frames() -> None:
    with pytest.raises(FramingError) as refusal:
        create_framing(0, IDENTITY, KEY)
    assert refusal.value.farewell[:1] == b"\x01"


def test_a_device_without_a_key_takes_plain_frames_and_the_key_of_zeros() -> None:
    assert isinstance(create_framing(0, IDENTITY, None), PlainFraming)
    device = create_framing(1, IDENTITY, None)
    assert device.feed(NoiseClient(NO_KEY).begin()) == []
    with pytest.raises(FramingError):
        create_framing(1, IDENTITY, None).feed(NoiseClient(KEY).begin())


def test_a_frame_that_was_changed_on_its_way_is_refused() -> None:
    device, client = connected()
    data = bytearray(client.encode(ApiFrame(7, b"abc")))
    data[-1] ^= 1
    with pytest.raises(FramingError):
        device.feed(bytes(data))


@pytest.mark.parametrize(
    "data",
    [b"\x02", b"\0\xff\xff\xff\xff", b"\0\x00\xff\xff\xff\xff", b"\0\x80\x80\x04\x07", b"GET / HTTP/1.1\r\n"],
    ids=["mark", "length", "type", "size", "http"],
)
def test_bytes_that_are_no_plain_frames_are_refused(data: bytes) -> None:
    with pytest.raises(FramingError):
        PlainFraming().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00",
        b"\x01\x00\x00" + wrap(b""),
        b"\x01\x00\x00" + wrap(b"\x00"),
        b"\x01\x00\x00" + wrap(b"\x00" + bytes(48)),
        b"\x01\x00\x00" + wrap(b"\x00" + bytes(60_000)),
        b"\x01\x00\x00" + wrap(b"\x07abc"),
    ],
    ids=["plain", "empty", "short", "zeros", "long", "mark"],
)
def test_a_handshake_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(FramingError):
        NoiseFraming(IDENTITY, KEY).feed(data)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_framing_error(data: bytes) -> None:
    for framing in (PlainFraming(), NoiseFraming(IDENTITY, KEY), connected()[0]):
        try:
            framing.feed(data)
        except FramingError:
            continue


def test_a_message_that_no_frame_can_carry_is_not_sent() -> None:
    with pytest.raises(FramingError):
        PlainFraming().encode(ApiFrame(1, bytes(MAX_FRAME_BYTES + 1)))
    with pytest.raises(FramingError):
        connected()[0].encode(ApiFrame(1, bytes(MAX_FRAME_BYTES)))
