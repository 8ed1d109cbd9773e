"""Entities of the device: a switch for the microphone, a media player for the speaker, a light for the LEDs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME, Controls

MUTE_KEY, MEDIA_PLAYER_KEY, LEDS_KEY = 1, 2, 3
VOLUME_STEP = 5
MEDIA_PLAYER_FEATURES = 1 | 4 | 8 | 512 | 1024 | 4096 | 16384 | 131_072 | 1_048_576
"""Pause, set and mute the volume, play media, step the volume, stop, play, browse, announce."""


class MediaPlayback(Protocol):
    """Plays media such as music, until stopped."""

    @property
    def state(self) -> api.MediaPlayerState: ...

    def play(self, url: str) -> None:
        """Play what is at a URL instead of what is being played."""

    def announce(self, url: str) -> None:
        """Play what is at a URL in between."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> None: ...


class Dimmer(Protocol):
    """LEDs whose brightness can be changed."""

    brightness: float
    """0, off, to 1, as bright as the settings say."""


@dataclass
class Entities:
    """The entities of one satellite; `on_change` is called for each change that no event of the satellite reports."""

    controls: Controls
    media: MediaPlayback
    sound_format: AudioFormat
    leds: Dimmer | None = None
    on_change: Callable[[], None] = lambda: None
    _volume_before: int | None = None  # while the speaker is muted
    _leds_before: float = 1.0  # while the LEDs are off

    def describe(self) -> Iterator[Message]:
        """Yield a message for each entity."""
        yield api.ListEntitiesSwitchResponse(
            object_id="mute",
            key=MUTE_KEY,
            name="Mute microphone",
            icon="mdi:microphone-off",
            entity_category=api.ENTITY_CATEGORY_CONFIG,
        )
        yield api.ListEntitiesMediaPlayerResponse(
            object_id="media_player",
            key=MEDIA_PLAYER_KEY,
            name="Media player",
            supports_pause=True,
            feature_flags=MEDIA_PLAYER_FEATURES,
            supported_formats=[
                self._wav(api.MEDIA_PLAYER_FORMAT_PURPOSE_DEFAULT),
                self._wav(api.MEDIA_PLAYER_FORMAT_PURPOSE_ANNOUNCEMENT),
            ],
        )
        if self.leds is not None:
            yield api.ListEntitiesLightResponse(
                object_id="leds",
                key=LEDS_KEY,
                name="LEDs",
                icon="mdi:led-on",
                supported_color_modes=[api.COLOR_MODE_BRIGHTNESS],
                legacy_supports_brightness=True,
                entity_category=api.ENTITY_CATEGORY_CONFIG,
            )

    def states(self) -> Iterator[Message]:
        """Yield the state of each entity."""
        status = self.controls.status
        muted_volume = self._volume_before if status.volume == 0 else None
        yield api.SwitchStateResponse(key=MUTE_KEY, state=status.muted)
        yield api.MediaPlayerStateResponse(
            key=MEDIA_PLAYER_KEY,
            state=self.media.state,
            volume=(muted_volume or status.volume) / MAX_VOLUME,
            muted=muted_volume is not None,
        )
        if self.leds is not None:
            yield api.LightStateResponse(
                key=LEDS_KEY,
                state=self.leds.brightness > 0,
                brightness=self.leds.brightness or self._leds_before,
                color_mode=api.COLOR_MODE_BRIGHTNESS,
            )

    def execute(self, message: Message) -> bool:
        """Execute a command; return whether the message is one for these entities."""
        match message:
            case api.SwitchCommandRequest() if message.key == MUTE_KEY:
                self.controls.mute(message.state)
            case api.LightCommandRequest() if message.key == LEDS_KEY and self.leds is not None:
                self._set_leds(self.leds, message)
            case api.MediaPlayerCommandRequest() if message.key == MEDIA_PLAYER_KEY:
                self._command_media_player(message)
            case _:
                return False
        self.on_change()
        return True

    def _wav(self, purpose: api.MediaPlayerFormatPurpose) -> api.MediaPlayerSupportedFormat:
        return api.MediaPlayerSupportedFormat(
            format="wav",
            sample_rate=self.sound_format.rate,
            num_channels=min(self.sound_format.channels, 2),
            purpose=purpose,
            sample_bytes=2,
        )

    def _set_leds(self, leds: Dimmer, command: api.LightCommandRequest) -> None:
        if command.has_brightness and command.brightness > 0:
            self._leds_before = leds.brightness = min(command.brightness, 1.0)
        if command.has_state:
            leds.brightness = self._leds_before if command.state else 0.0

    def _command_media_player(self, command: api.MediaPlayerCommandRequest) -> None:
        if command.has_volume and 0 <= command.volume <= 1:
            self._volume_before = None
            self.controls.set_volume(round(command.volume * MAX_VOLUME))
        if command.has_media_url:
            is_announcement = command.has_announcement and command.announcement
            (self.media.announce if is_announcement else self.media.play)(command.media_url)
        if command.has_command:
            self._control_playback(command.command)

    def _control_playback(self, command: int) -> None:
        is_playing = self.media.state == api.MEDIA_PLAYER_STATE_PLAYING
        match command:
            case api.MEDIA_PLAYER_COMMAND_PLAY:
                self.media.resume()
            case api.MEDIA_PLAYER_COMMAND_PAUSE:
                self.media.pause()
            case api.MEDIA_PLAYER_COMMAND_TOGGLE:
                (self.media.pause if is_playing else self.media.resume)()
            case api.MEDIA_PLAYER_COMMAND_STOP:
                self.media.stop()
            case api.MEDIA_PLAYER_COMMAND_MUTE:
                self._mute_speaker()
            case api.MEDIA_PLAYER_COMMAND_UNMUTE:
                self._unmute_speaker()
            case api.MEDIA_PLAYER_COMMAND_VOLUME_UP:
                self._change_volume(VOLUME_STEP)
            case api.MEDIA_PLAYER_COMMAND_VOLUME_DOWN:
                self._change_volume(-VOLUME_STEP)

    def _mute_speaker(self) -> None:
        volume = self.controls.status.volume
        if volume:
            self._volume_before = volume
            self.controls.set_volume(0)

    def _unmute_speaker(self) -> None:
        volume, self._volume_before = self._volume_before, None
        if volume is not None and self.controls.status.volume == 0:
            self.controls.set_volume(volume)

    def _change_volume(self, percent: int) -> None:
        self._unmute_speaker()
        self.controls.set_volume(min(max(self.controls.status.volume + percent, 0), MAX_VOLUME))
