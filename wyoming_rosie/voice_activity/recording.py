"""Speech in a whole recording."""

from typing import Any

from wyoming_rosie.voice_activity.engine import VadEngine
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch


def find_segments(vad: VadEngine[Any], pcm: bytes) -> tuple[tuple[int, int], ...]:
    """Return begin and end of each speech segment in 16 kHz 16-bit mono PCM, in milliseconds."""
    stream = VadStream(vad, SegmenterRules())
    whole = len(pcm) - len(pcm) % vad.frame_bytes
    (events,) = process_batch(vad, [(stream, pcm[:whole])]) if whole else [[]]
    events += stream.finish()
    stream.close()
    starts = [event.time for event in events if isinstance(event, SpeechStart)]
    stops = [event.time for event in events if isinstance(event, SpeechStop)]
    return tuple(zip(starts, stops, strict=True))
