"""Where a wake word ends in a recording, for engines that understand commands but no wake words."""

from pathlib import Path

from wyoming_rosie.audio import files
from wyoming_rosie.errors import RosieError
from wyoming_rosie.wakeword.detection import Heard, detections


def first(file: Path) -> Heard | None:
    """Return the first wake word in a recording; none where there is none, or nothing that hears it."""
    try:
        from wyoming_rosie.wakeword.micro import MicroStream, bundled

        stream = MicroStream(list(bundled().values()))
        with files.opened(file) as recording:
            for pcm in files.speech(recording):
                if found := detections(stream.feed(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # it was only an attempt
        return None
    return None
