"""The codec: compatibility with the wyoming package, split input, invalid input."""

import asyncio
import io
import json
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming import event as reference
from wyoming.event import Event

from tests.waiting import wait_until
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol.wire import HELD_BYTES, Decoder, EventStream, WireLimits, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
audio = st.fixed_dictionaries(
    {"rate": st.integers(), "width": st.integers(), "channels": st.integers(), "timestamp": st.integers()}
)
events = st.builds(
    Event,
    type=texts.filter(bool),
    data=st.dictionaries(texts, values, max_size=4) | audio,
    payload=st.none() | st.binary(min_size=1, max_size=300),
)


def decoded(raw: bytes, sizes: list[int] | None = None) -> list[Event]:
    decoder, found = Decoder(), []
    cuts = sizes or [len(raw) or 1]
    position = index = 0
    while position < len(raw):
        size = cuts[index % len(cuts)]
        decoder.feed(raw[position : position + size])
        position, index = position + size, index + 1
        while (event := decoder.next()) is not None:
            found.append(event)
    assert len(decoder) == 0
    return found


@given(st.lists(events, max_size=6), st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_any_split_of_the_bytes_gives_the_same_events(sent: list[Event], sizes: list[int]) -> None:
    assert decoded(b"".join(map(encode, sent)), sizes) == sent


@given(events)
def test_the_wyoming_package_reads_what_we_write(event: Event) -> None:
    assert reference.read_event(io.BytesIO(encode(event))) == event


@given(events)
def test_we_read_what_the_wyoming_package_writes(event: Event) -> None:
    written = io.BytesIO()
    reference.write_event(event, written)
    assert decoded(written.getvalue()) == [event]


@given(events)
def test_our_bytes_are_those_of_the_wyoming_package(event: Event) -> None:
    written = io.BytesIO()
    reference.write_event(event, written)
    assert encode(event) == written.getvalue()


@given(st.binary(max_size=300))
def test_garbage_is_a_bad_event_or_waits_for_more(raw: bytes) -> None:
    decoder = Decoder()
    decoder.feed(raw)
    try:
        while decoder.next() is not None:
            pass
    except BadEventError as err:
        assert str(err)


def test_data_of_the_header_line_is_merged_under_the_data_that_follows() -> None:
    assert decoded(b'{"type":"x","data":{"a":1,"b":1},"data_length":7}\n{"b":2}') == [Event("x", {"a": 1, "b": 2})]


def test_a_repeated_header_line_with_data_gives_each_event_its_own() -> None:
    first, second = decoded(b'{"type":"x","data":{"a":1}}\n' * 2)
    first.data["a"] = 2
    assert second.data == {"a": 1}


def header(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


NESTED = b'{"a":' * 2000 + b"1" + b"}" * 2000
BAD = {
    "blank line": b"\n",
    "no JSON": b"GET / HTTP/1.1\r\n",
    "not UTF-8": b'{"type":"\xff"}\n',
    "a list": b"[]\n",
    "a number": b"5\n",
    "no type": b"{}\n",
    "type is a number": header(type=5),
    "type is empty": header(type=""),
    "data is a list": header(type="x", data=[1]),
    "length is text": header(type="x", payload_length="5"),
    "length is a fraction": header(type="x", payload_length=5.0),
    "length is a truth": header(type="x", payload_length=True),
    "length is negative": header(type="x", data_length=-1),
    "payload of 100 GB": header(type="x", payload_length=100_000_000_000),
    "data of 100 GB": header(type="x", data_length=100_000_000_000),
    "data is no object": header(type="x", data_length=2) + b"[]",
    "data is no JSON": header(type="x", data_length=2) + b"{]",
    "data is NaN": header(type="x", data_length=9) + b'{"a":NaN}',
    "data is infinite": b'{"type":"x","data":{"a":Infinity}}\n',
    "a number of 5000 digits": b'{"type":"x","data":{"a":' + b"9" * 5000 + b"}}\n",
    "deep header": b'{"type":"x","data":' + NESTED + b"}\n",
    "deep data": header(type="x", data_length=len(NESTED)) + NESTED,
    "33 levels": header(type="x", data_length=6 * 33 + 1 - 0) + b'{"a":' * 33 + b"1" + b"}" * 33,
    "endless header": b'{"type":"' + b"a" * 70_000,
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_bad_input_is_a_bad_event(raw: bytes) -> None:
    decoder = Decoder()
    decoder.feed(raw)
    with pytest.raises(BadEventError):
        decoder.next()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\uDFFFb\udbffc", "a\ufffdb\ufffdc"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ude00\ud83d\ude00\ud83d", "\ufffd\U0001f600\ufffd"),
        (r"\\ud800", r"\ud800"),
        (r"\u00e9\\\ud800", "\u00e9\\\ufffd"),
    ],
)
@pytest.mark.parametrize("place", ["a text", "a key", "a list", "the type"])
def test_half_a_character_is_replaced_wherever_it_stands(written: str, read: str, place: str) -> None:
    lines = {
        "a text": (f'{{"type":"x","data":{{"a":"{written}"}}}}\n', Event("x", {"a": read})),
        "a key": (f'{{"type":"x","data":{{"{written}":1}}}}\n', Event("x", {read: 1})),
        "a list": (f'{{"type":"x","data":{{"a":[{{"b":["{written}"]}}]}}}}\n', Event("x", {"a": [{"b": [read]}]})),
        "the type": (f'{{"type":"{written}"}}\n', Event(read)),
    }
    line, event = lines[place]
    decoder = Decoder()
    decoder.feed(line.encode())
    assert decoder.next() == event


@given(st.text(st.characters(codec=None), max_size=20))
def test_whatever_is_read_can_be_written(text: str) -> None:
    data = json.dumps({text: [text]}).encode()
    decoder = Decoder()
    decoder.feed(header(type="x", data_length=len(data)) + data)
    event = decoder.next()
    assert event is not None
    json.dumps(event.data, ensure_ascii=False).encode()


def test_nesting_up_to_the_limit_is_fine() -> None:
    depth = WireLimits().depth
    data = b'{"a":' * depth + b"1" + b"}" * depth
    assert len(decoded(header(type="x", data_length=len(data)) + data)) == 1


def test_many_braces_side_by_side_are_not_deep() -> None:
    event = Event("x", {"many": [{"a": 1}] * 100})
    assert decoded(encode(event)) == [event]


async def streams() -> tuple[EventStream, EventStream]:
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    _, here = await loop.create_connection(EventStream, sock=one)
    _, there = await loop.create_connection(EventStream, sock=other)
    return here, there


async def test_a_stream_that_ends_inside_an_event_says_so() -> None:
    here, there = await streams()
    there.transport.write(b'{"type":"x","payload_length":5}\n12')
    there.transport.write_eof()
    with pytest.raises(BadEventError):
        await here.read()
    here.abort()
    there.abort()


async def test_an_unread_stream_holds_its_peer_back() -> None:
    here, there = await streams()
    event = Event("x", {}, bytes(60_000))
    sent = 0
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            async with asyncio.timeout(0.2):
                await there.write(event)
            sent += 1
    assert sent < 100
    for _ in range(sent):
        assert await here.read() == event
    here.abort()
    there.abort()


async def test_the_last_words_arrive_although_the_peer_sends_on() -> None:
    here, there = await streams()
    there.transport.write(b"nonsense\n" * 50_000)
    with pytest.raises(BadEventError):
        await here.read()
    await here.write(Event("error", {"text": "no"}))
    closing = asyncio.create_task(here.close())
    assert await there.read() == Event("error", {"text": "no"})
    assert await there.read() is None
    await there.close()
    await closing


async def test_writing_to_a_peer_that_is_gone_is_an_error() -> None:
    here, there = await streams()
    there.abort()
    with pytest.raises(ConnectionError):
        for _ in range(100):
            await here.write(Event("x"))
            await asyncio.sleep(0.01)
    here.abort()


async def test_a_peer_that_broke_off_just_now_is_closed_like_any_other() -> None:
    made: list[EventStream] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: EventStream(made.append), "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it ends with a reset
        await wait_until(lambda: made)
    await made[0].close()
    server.close()


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.lists(st.integers(1, 200), min_size=1, max_size=5))
async def test_each_event_is_taken_quickly_or_read_and_the_read_ones_keep_their_order(
    quick: list[bool], sizes: list[int]
) -> None:
    """`on_event_nowait` gets an event only while the reader waits, and the reader gets the events that it refuses."""
    stream = EventStream()
    stream.connection_made(Pipe())
    taken: list[int] = []

    def take(event: Event) -> bool:
        number = int(event.data["number"])
        if quick[number]:
            taken.append(number)
        return quick[number]

    stream.on_event_nowait = take
    read: list[int] = []

    async def reader() -> None:
        while (event := await stream.read()) is not None:
            read.append(event.data["number"])

    task = asyncio.create_task(reader())
    raw = b"".join(encode(Event("x", {"number": number})) for number in range(len(quick)))
    at = turn = 0
    while at < len(raw):
        size = sizes[turn % len(sizes)]
        stream.data_received(raw[at : at + size])
        at, turn = at + size, turn + 1
        await asyncio.sleep(0)
    stream.eof_received()
    await task
    assert sorted(taken + read) == list(range(len(quick)))
    assert read == sorted(read)
    assert all(quick[number] for number in taken)


async def test_bytes_that_come_before_the_woken_reader_runs_overtake_nothing() -> None:
    """As TLS passes them on: several times within one turn of the event loop."""
    stream, other = await streams()
    taken: list[str] = []

    def take(event: Event) -> bool:
        if event.type == "start":
            return False
        taken.append(event.type)
        return True

    stream.on_event_nowait = take
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    for name in ("start", "chunk", "start", "chunk"):
        stream.data_received(encode(Event(name)))
    assert (await reading) == Event("start")
    rest = [event.type for event in [await stream.read(), await stream.read(), await stream.read()] if event]
    assert (taken, rest) == ([], ["chunk", "start", "chunk"])
    stream.abort()
    other.abort()


async def test_what_is_tls_is_told_so_at_once_and_after_a_line() -> None:
    for sent in (b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x02\x00\x01\n"):
        with pytest.raises(BadEventError, match="does not speak TLS") as found:
            decoded(sent)
        assert found.value.code == "tls"


async def test_a_peer_that_is_held_back_is_heard_when_it_is_released_sends_much_or_leaves() -> None:
    loop = asyncio.get_running_loop()
    heard: list[EventStream] = []
    server = await loop.create_server(lambda: EventStream(heard.append), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    _, there = await loop.create_connection(EventStream, host, port)
    while not heard:
        await asyncio.sleep(0.001)
    here = heard[0]
    here.hold()
    await there.write(Event("x", {"number": 1}))
    reading = asyncio.create_task(here.read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    here.release()
    async with asyncio.timeout(60):
        assert (await reading) == Event("x", {"number": 1})
        here.hold()
        much = Event("x", {}, bytes(HELD_BYTES))
        await there.write(much)
        assert await here.read() == much
        there.abort()
        assert await here.read() is None
    here.hold()  # nothing happens to a peer that is gone
    await here.close()
    server.close()


async def test_what_is_no_event_after_quick_ones_is_an_error_for_the_reader() -> None:
    stream = EventStream()
    stream.connection_made(Pipe())
    stream.on_event_nowait = lambda _: True
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    stream.data_received(encode(Event("x")) + b"[]\n")
    with pytest.raises(BadEventError):
        await reading


class Pipe(asyncio.Transport):
    """A transport that discards its data."""

    def resume_reading(self) -> None: ...

    def pause_reading(self) -> None: ...
