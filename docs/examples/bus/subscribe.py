"""A script that subscribes: prints every event of a subject, and misses none while it is not running.

    python subscribe.py 'vision.event.>' [nats://127.0.0.1:4222] [name]

Needs nats-py only. The durable consumer NAME remembers what this script has confirmed; two scripts with one name share the
events, two names get all of them each. What is confirmed after it was handled may come twice, never not at all: its `key`
tells.
"""

import asyncio
import json
import sys

import nats

STREAMS = {"voice": "VOICE", "audio": "VOICE", "vision": "VISION", "llm": "LLM_RESPONSES", "automation": "AUTOMATION"}


async def main(subject: str, url: str = "nats://127.0.0.1:4222", name: str = "my-script") -> None:
    client = await nats.connect(url)
    events = await client.jetstream().pull_subscribe(subject, durable=name, stream=STREAMS[subject.partition(".")[0]])
    while True:
        try:
            messages = await events.fetch(10, timeout=60)
        except nats.errors.TimeoutError:
            continue  # nothing happened for a minute
        for message in messages:
            event = json.loads(message.data)
            print(message.subject, event["key"], json.dumps(event["data"], ensure_ascii=False), flush=True)
            await message.ack()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
