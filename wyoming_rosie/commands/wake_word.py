"""Where a wake word ends in a recording, for engines that understand commands but no wake words."""

from pathlib import Path

from wyoming_rosie.audio import files
from wyoming_rosie.errors import RosieError
from wyoming_rosie.wakeword.detection import WakeDetection, without_near_misses


def find_first(file: Path) -> WakeDetection | None:
    """Return the first wake word in a recording; none where there is none, or nothing that hears it."""
    try:
        from wyoming_rosie.wakeword.micro import MicroStream, packaged

        stream = MicroStream(list(packaged().values()))
        with files.open_audio(file) as recording:
            for pcm in files.speech_blocks(recording):
                if found := without_near_misses(stream.feed(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # it was only an attempt
        return None
    return None
