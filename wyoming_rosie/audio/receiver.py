"""Reception of a peer's audio events, with conversion to one format off the event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import ParamSpec, Protocol, TypeVar

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, SpeechInput

P = ParamSpec("P")
T = TypeVar("T")


class RunInThread(Protocol):
    """A function such as `asyncio.to_thread`: runs a blocking call in a thread and returns its result."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


class AudioReceiver:
    """Turns `audio-start`, `audio-chunk` and `audio-stop` into PCM of one format.

    Audio that has the target format already is passed on as it is; conversion takes milliseconds and runs in a thread.
    After an error nothing is returned until the next `audio-start`.
    """

    def __init__(self, run_in_thread: RunInThread, target: AudioFormat = SPEECH) -> None:
        self._run_in_thread = run_in_thread
        self._input = SpeechInput(target)

    @property
    def is_started(self) -> bool:
        """Whether an `audio-start` came that has not been ended by `audio-stop` or an error."""
        return self._input.started

    def read_nowait(self, chunk: Event) -> bytes | None:
        """Return the chunk's PCM if it needs neither conversion nor an error, else None: then call `read`."""
        return self._input.pass_through(chunk)

    async def start(self, event: Event) -> None:
        """Start a stream. Raises BadEventError, EngineError."""
        await self._convert(self._input.start, event)

    async def read(self, chunk: Event) -> AsyncIterator[bytes]:
        """Yield the chunk's PCM, a long chunk in pieces. Raises BadEventError for the first bad chunk of a stream."""
        for piece in self._input.split(chunk):
            yield await self._convert(self._input.chunk, piece)

    def stop(self, event: Event) -> bytes:
        """End the stream; return the PCM that the resampler held back. Raises BadEventError if none was started."""
        return self._input.stop(event)

    async def _convert(self, function: Callable[[Event], T], event: Event) -> T:
        if self._input.needs_conversion(event):
            return await self._run_in_thread(function, event)
        return function(event)
