# It runs in .venv-peers/pyopen, whose packages this project does not install.
# mypy: ignore-errors
"""A simple server with pyopen-wakeword: each connection has its own networks, which run in the event loop.

The daemons of this library's authors work like this: nothing is shared, and `audio-start` replays 8 s of silence.
"""

import asyncio
import sys
from functools import partial

from pyopen_wakeword import Model, OpenWakeWord, OpenWakeWordFeatures
from wyoming.audio import AudioChunk, AudioStart
from wyoming.info import Attribution, Describe, Info, WakeModel, WakeProgram
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.wake import Detect, Detection

THRESHOLD = 0.5
NOBODY = Attribution(name="", url="")


class PyopenHandler(AsyncEventHandler):
    """One connection."""

    def __init__(self, info, reader, writer):
        super().__init__(reader, writer)
        self._info = info
        self._names = [Model.HEY_JARVIS.value]
        self._features = None
        self._words = []

    async def handle_event(self, event):
        if Describe.is_type(event.type):
            await self.write_event(self._info)
        elif Detect.is_type(event.type):
            self._names = Detect.from_event(event).names or self._names
        elif AudioStart.is_type(event.type):
            self._begin()
        elif AudioChunk.is_type(event.type):
            await self._hear(AudioChunk.from_event(event))
        return True

    def _begin(self):
        self._features = OpenWakeWordFeatures.from_builtin()  # as after reset(): the first chunk follows 8 s of silence
        self._words = [OpenWakeWord.from_builtin(Model(name)) for name in self._names]

    async def _hear(self, chunk):
        for features in self._features.process_streaming(chunk.audio):
            for word in self._words:
                for score in word.process_streaming(features):
                    if score > THRESHOLD:
                        await self.write_event(Detection(name=word.id, timestamp=chunk.timestamp).event())


def create_info():
    models = [
        WakeModel(
            name=model.value,
            attribution=NOBODY,
            installed=True,
            description=None,
            version=None,
            languages=[],
            phrase=None,
        )
        for model in Model
    ]
    program = WakeProgram(
        name="pyopen-wakeword", attribution=NOBODY, installed=True, description=None, version=None, models=models
    )
    return Info(wake=[program]).event()


async def main():
    server = AsyncServer.from_uri(sys.argv[sys.argv.index("--uri") + 1])
    await server.run(partial(PyopenHandler, create_info()))


if __name__ == "__main__":
    asyncio.run(main())
