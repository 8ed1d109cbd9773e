"""Errors that name an audio device."""

from typing import Any

from wyoming_rosie.audio.device_errors import describe_device_error


class AudioLibrary:
    """sounddevice with a microphone and a speaker."""

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {"name": "Jabra SPEAK 410 USB: Audio (hw:1,0)", "max_input_channels": 1, "max_output_channels": 0},
            {"name": "HDMI 0: HDMI (hw:0,3)", "max_input_channels": 0, "max_output_channels": 8},
        ]


def test_unknown_microphone_shows_the_closest_one() -> None:
    error = ValueError("No input device matching 'Jabara'")
    assert describe_device_error(AudioLibrary(), "input", "Jabara", error) == (
        "no microphone is named 'Jabara'; did you mean Jabra SPEAK 410 USB: Audio (hw:1,0)? "
        "(all of them: wyoming-rosie devices)"
    )


def test_unknown_speaker_shows_speakers_only() -> None:
    text = describe_device_error(AudioLibrary(), "output", "Jabara", ValueError("No output device matching 'Jabara'"))
    assert text.startswith("no speaker is named 'Jabara'; there are: HDMI 0: HDMI (hw:0,3) (")


def test_other_errors_stay_on_one_line() -> None:
    error = ValueError("Multiple input devices found for 'usb':\n[0] usb 1\n[1] usb 2")
    assert describe_device_error(AudioLibrary(), "input", "usb", error) == (
        "Multiple input devices found for 'usb': [0] usb 1 [1] usb 2"
    )
