"""Video by PyAV, in a child process: a thread decodes all the time and keeps the newest frame alone.

Nothing here may raise with an error of PyAV in it, since these name the URL and its password.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import av.logging
import numpy as np

from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_bridge.vision.edge.frames import FrameReport, StreamStatus
from wyoming_rosie_bridge.vision.edge.motion import MOTION_SIZE, Gray
from wyoming_rosie_bridge.vision.edge.people import Color
from wyoming_rosie_bridge.vision.edge.pipeline import MAX_WIDTH, CameraPipeline
from wyoming_rosie_bridge.vision.edge.sources import CameraSource

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

OPEN_SECONDS, READ_SECONDS = 5.0, 3.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 4.0
ANSWER_SECONDS = 1.0
"""Wait for a frame; after that the parent learns how the stream is."""
_STREAM_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls,crypto",
}
_FILE_OPTIONS = {"protocol_whitelist": "file"}


class VideoPicture:
    """A decoded frame; the library scales it and converts it in one step."""

    def __init__(self, frame: "VideoFrame") -> None:
        self._frame = frame

    def gray(self) -> Gray:
        width, height = MOTION_SIZE
        return np.ascontiguousarray(self._frame.reformat(width, height, "gray").to_ndarray())

    def color(self) -> Color:
        width, height = self._frame.width, self._frame.height
        if width > MAX_WIDTH:
            width, height = MAX_WIDTH, max(2, round(height * MAX_WIDTH / width / 2) * 2)
        return np.ascontiguousarray(self._frame.reformat(width, height, "bgr24").to_ndarray())


class VideoCamera:
    """A camera's stream or a video file, and its pipeline."""

    def __init__(self, source: CameraSource, pipeline: CameraPipeline, frames_per_second: float) -> None:
        av.logging.set_level(None)  # its messages name URLs
        self._source, self._pipeline = source, pipeline
        self._seconds_per_frame = 1 / frames_per_second
        self._next_due = 0.0
        self._changed = threading.Condition()
        self._newest: VideoFrame | None = None
        self._problem: str | None = None
        self._has_ended = False
        self._call_began = time.monotonic()
        threading.Thread(target=self._read, name="video", daemon=True).start()

    def next_report(self) -> FrameReport | StreamStatus:
        """Look at the newest frame, when one is due; wait for it no longer than ANSWER_SECONDS."""
        time.sleep(max(0.0, min(ANSWER_SECONDS, self._next_due - time.monotonic())))
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._has_ended, ANSWER_SECONDS)
            frame, self._newest = self._newest, None
        if frame is None:
            silent = time.monotonic() - self._call_began
            return StreamStatus(self._problem, silent, self._has_ended)
        now = time.monotonic()
        self._next_due = max(self._next_due + self._seconds_per_frame, now)
        return self._pipeline.process(VideoPicture(frame), now)

    def _read(self) -> None:
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                for frame in self._frames():
                    backoff.reset()
                    self._offer(frame)
                self._problem = None if self._source.kind == "file" else "the stream has ended"
            except _VideoError as err:
                self._problem = str(err)
            if self._source.kind == "file":
                return self._end()
            self._call_began = time.monotonic() + MAX_PAUSE_SECONDS
            time.sleep(backoff.next_pause())

    def _frames(self) -> "Iterator[VideoFrame]":
        began = time.monotonic()
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            first: float | None = None
            for frame in container.decode(stream):
                self._call_began = time.monotonic()
                if self._source.kind == "file" and frame.time is not None:
                    first = frame.time if first is None else first
                    self._call_began = began + frame.time - first  # a file is read at its own pace
                    time.sleep(max(0.0, self._call_began - time.monotonic()))
                yield frame

    @contextmanager
    def _open(self) -> "Iterator[InputContainer]":
        self._call_began = time.monotonic()
        is_file = self._source.kind == "file"
        try:
            with av.open(
                self._source.url_with_secret(),
                options=_FILE_OPTIONS if is_file else _STREAM_OPTIONS,
                timeout=(OPEN_SECONDS, READ_SECONDS),
            ) as container:
                if not container.streams.video:
                    raise _VideoError("there is no video in it")
                yield container
        except av.error.ExitError:  # how the library reports its time-outs
            raise _VideoError("it does not answer in time") from None
        except av.error.FFmpegError as err:
            raise _VideoError(err.strerror or type(err).__name__) from None
        except (OSError, ValueError) as err:
            raise _VideoError(type(err).__name__) from None

    def _offer(self, frame: "VideoFrame") -> None:
        with self._changed:
            self._newest, self._problem = frame, None
            self._changed.notify()

    def _end(self) -> None:
        with self._changed:
            self._has_ended = True
            self._changed.notify()


class _VideoError(Exception):
    """Why a video cannot be read, without its address."""
