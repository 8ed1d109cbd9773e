"""Where a wake word ends in a recording, for engines that understand commands but no wake words."""

from pathlib import Path

from wyoming_rosie.audio import files
from wyoming_rosie.errors import RosieError
from wyoming_rosie.wakeword.detection import WakeDetection, drop_near_misses


def find_first(file: Path) -> WakeDetection | None:
    """Return the first wake word in a recording; none where there is none, or nothing that hears it."""
    try:
        from wyoming_rosie.wakeword.micro import MicroStream, find_package_models

        stream = MicroStream(list(find_package_models().values()))
        with files.open_audio(file) as recording:
            for pcm in files.speech_blocks(recording):
                if found := drop_near_misses(stream.process(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # it was only an attempt
        return None
    return None
