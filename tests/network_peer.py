"""A peer on another host: `python -m tests.network_peer URI ROLE IDENTITY EVENT…` sends events, and prints what is answered.

ROLE is the one that is expected there, IDENTITY the folder of a member's identity; `-` stands for none. The answer is one line of JSON: the first
event that is no `pong`, or an `error` with the reason why there is none.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from wyoming.event import Event

from tests.two_hosts import on_host
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.trust.membership import Membership

SECONDS = 30.0


def send_from(host: str, uri: str, identity: Path | None, *events: Event, role: str | None = None) -> dict[str, Any]:
    """Send events from a host, and return the first answer."""
    encoded = [json.dumps({"type": event.type, "data": event.data}) for event in events]
    arguments = (uri, role or "-", "-" if identity is None else str(identity), *encoded)
    command = [*on_host(host), sys.executable, "-m", "tests.network_peer", *arguments]
    ran = subprocess.run(command, capture_output=True, check=True, timeout=2 * SECONDS, cwd=Path(__file__).parents[1])
    return dict(json.loads(ran.stdout))


async def ask(uri: str, role: str, identity: str, events: list[Event]) -> Event:
    membership = None if identity == "-" else Membership.load(Path(identity))
    try:
        async with connect(uri, SECONDS, role=None if role == "-" else role, membership=membership) as client:
            for event in events:
                await client.send(event)
            while (answer := await client.receive(SECONDS)).type == "pong":
                pass
            return answer
    except RosieError as err:
        return Event("error", {"text": str(err), "code": err.code})


def main() -> None:
    uri, role, identity, *encoded = sys.argv[1:]
    events = [Event(one["type"], one["data"]) for one in map(json.loads, encoded)]
    answer = asyncio.run(ask(uri, role, identity, events))
    sys.stdout.write(json.dumps({"type": answer.type, **answer.data}) + "\n")


if __name__ == "__main__":
    main()
