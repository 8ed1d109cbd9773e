"""Where a wake word ends in a recording, for engines that understand commands but no wake words."""

from pathlib import Path

from wyoming_rosie import sound_files
from wyoming_rosie.errors import RosieError
from wyoming_rosie.wake_words import Heard, detections


def first(file: Path) -> Heard | None:
    """Return the first wake word in a recording; none where there is none, or nothing that hears it."""
    try:
        from wyoming_rosie.micro_wake_words import MicroStream, bundled

        stream = MicroStream(list(bundled().values()))
        with sound_files.opened(file) as recording:
            for pcm in sound_files.speech(recording):
                if found := detections(stream.feed(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # it was only an attempt
        return None
    return None
