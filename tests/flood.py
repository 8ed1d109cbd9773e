"""A client that sends more than others, as a program: prints what came back, by type, or by code for errors.

python -m tests.flood URI {pings,audio,long-audio,utterances,turns,connections} COUNT [CONNECTIONS [IDENTITY]]
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from wyoming.event import Event

from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.wire import EventStream, encode
from wyoming_rosie.trust.membership import Membership

SECONDS = 120.0
SPEECH = {"rate": 16_000, "width": 2, "channels": 1}
PING = Event("ping", {"text": "the last one"})


def utterance() -> bytes:
    """Return the events of a spoken sentence."""
    audio, pcm = read_wav(RECORDING)
    about = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    events = (Event("transcribe"), Event("audio-start", about), Event("audio-chunk", about, pcm), Event("audio-stop"))
    return b"".join(encode(event) for event in events)


SENT = {
    "pings": encode(Event("ping")),
    "audio": encode(Event("audio-chunk", SPEECH, bytes(32_000))),
    "long-audio": encode(Event("audio-chunk", SPEECH, bytes(5 * 32_000))),
    "utterances": utterance(),
    "turns": encode(Event("transcribe")),
}


async def flood(uri: str, kind: str, count: int, membership: Membership | None = None) -> Counter[str]:
    """Send `count` events on one connection, then a ping; return what came back until its answer or the end.

    Utterances end with the answer to the last of them.
    """
    answers: Counter[str] = Counter()
    async with connect(uri, membership=membership) as peer:
        stream: EventStream = peer._stream
        sending = asyncio.create_task(_send(stream, kind, count))
        try:
            while (event := await stream.read()) is not None and event.data.get("text") != PING.data["text"]:
                answers[event.data["code"] if event.type == "error" else event.type] += 1
                if kind == "utterances" and answers.total() == count:  # a ping is answered before them
                    break
            answers["whole"] += event is not None
        except ConnectionError:
            answers["lost"] += 1
        sending.cancel()
        await asyncio.wait([sending])
    return answers


async def knock(uri: str) -> Counter[str]:
    """Connect, and leave at once."""
    try:
        async with connect(uri):
            return Counter(connected=1)
    except ConnectionError:
        return Counter(lost=1)


async def _send(stream: EventStream, kind: str, count: int) -> None:
    if "audio" in kind:
        await stream.write(Event("audio-start", SPEECH))
    for _ in range(count):
        await stream.write_encoded(SENT[kind])
    if kind != "utterances":
        await stream.write(PING)


async def main(uri: str, kind: str, count: int, connections: int, identity: str | None) -> None:
    membership = await asyncio.to_thread(Membership.load, Path(identity)) if identity else None
    async with asyncio.timeout(SECONDS):
        if kind == "connections":
            every = [await knock(uri) for _ in range(count)]
        else:
            every = await asyncio.gather(*(flood(uri, kind, count, membership) for _ in range(connections)))
    print(json.dumps(sum(every, Counter())))


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(given.get(4, "1")), given.get(5)))
