"""Search for a wake word in a recording, for speech recognisers that know only commands."""

from pathlib import Path

from wyoming_rosie.audio import files
from wyoming_rosie.errors import RosieError
from wyoming_rosie.wakeword.detection import WakeDetection, drop_near_misses


def find_first(file: Path) -> WakeDetection | None:
    """Return the first wake word in a recording; None without one, or without a detector."""
    try:
        from wyoming_rosie.wakeword.micro import MicroStream, find_package_models

        stream = MicroStream(list(find_package_models().values()))
        with files.open_audio(file) as recording:
            for pcm in files.speech_blocks(recording):
                if found := drop_near_misses(stream.process(pcm)):
                    return found[0]
    except (ImportError, RosieError):  # the caller does without
        return None
    return None
