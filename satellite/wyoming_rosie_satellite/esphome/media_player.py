"""Media player: plays music from a URL in the speaker's mixer."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import structlog

from wyoming_rosie.audio.formats import AudioFormat, Converter
from wyoming_rosie.errors import RosieError
from wyoming_rosie_satellite.audio.music_mixer import MusicMixer
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.media import MediaSource

_LOG = structlog.get_logger()


class MediaPlayer:
    """Plays one URL at a time; `on_change` is called for each new state. `announce` plays something in between."""

    def __init__(self, mixer: MusicMixer, media: MediaSource) -> None:
        self.state: api.MediaPlayerState = api.MEDIA_PLAYER_STATE_IDLE
        self.on_change: Callable[[], None] = lambda: None
        self.announce_media: Callable[[str], bool] = lambda _: False
        self._mixer = mixer
        self._media = media
        self._url = ""
        self._changed = asyncio.Event()

    def play(self, url: str) -> None:
        self._set_url(url)

    def announce(self, url: str) -> None:
        if not self.announce_media(url):
            self._set_url(url)

    def pause(self) -> None:
        if self.state == api.MEDIA_PLAYER_STATE_PLAYING:
            self._mixer.pause_music(paused=True)
            self._set_state(api.MEDIA_PLAYER_STATE_PAUSED)

    def resume(self) -> None:
        if self.state == api.MEDIA_PLAYER_STATE_PAUSED:
            self._mixer.pause_music(paused=False)
            self._set_state(api.MEDIA_PLAYER_STATE_PLAYING)

    def stop(self) -> None:
        self._set_url("")

    async def run(self) -> None:
        """Play what is chosen until cancelled."""
        while True:
            self._changed.clear()
            playing = asyncio.create_task(self._play(self._url))
            try:
                await self._changed.wait()
            finally:
                playing.cancel()
                await asyncio.wait([playing])
                self._mixer.clear_music()

    def _set_url(self, url: str) -> None:
        self._url = url
        self._changed.set()

    async def _play(self, url: str) -> None:
        if url:
            self._mixer.pause_music(paused=False)
            self._set_state(api.MEDIA_PLAYER_STATE_PLAYING)
            try:
                await self._stream(url)
                await self._mixer.drain_music()
            except (RosieError, OSError) as err:
                _LOG.warning("media is not played", reason=str(err))
        self._set_state(api.MEDIA_PLAYER_STATE_IDLE)

    async def _stream(self, url: str) -> None:
        source: AudioFormat | None = None
        async with aclosing(self._media.open(url)) as audio:
            async for piece in audio:
                if piece.format != source:
                    source = piece.format
                    converter = Converter(source, self._mixer.format)
                pcm = piece.pcm
                if source != self._mixer.format:
                    pcm = await asyncio.to_thread(converter.convert, pcm)
                await self._mixer.queue_music(pcm)

    def _set_state(self, state: api.MediaPlayerState) -> None:
        if state != self.state:
            self.state = state
            self.on_change()
