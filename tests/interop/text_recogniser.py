"""A Wyoming speech recogniser whose transcript a test sets."""

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info

from wyoming_rosie.protocol.server import DaemonServer, Send

CREDIT = Attribution("test", "")


def create_info() -> Info:
    """Return the info of an English recogniser."""
    model = AsrModel("test", CREDIT, True, None, None, ["en"])
    return Info(asr=[AsrProgram("test", CREDIT, True, None, None, [model])])


class TextHandler:
    """Handler of a speech recogniser with a fixed transcript."""

    is_busy = False

    def __init__(self, text: str, send: Send) -> None:
        self._text = text
        self._send = send

    async def on_event(self, event: Event) -> None:
        if event.type == "audio-stop":
            await self._send(Transcript(self._text).event())

    async def close(self) -> None: ...


class TextDaemon(DaemonServer):
    """An asr daemon whose transcript a test sets."""

    def __init__(self) -> None:
        super().__init__("asr", create_info(), lambda send: TextHandler(self.text, send))
        self.text = ""
