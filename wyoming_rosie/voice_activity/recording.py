"""Speech in a whole recording."""

from collections.abc import Sequence
from typing import Any

from wyoming_rosie.audio.formats import SPEECH
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


def cut_speech(pcm: bytes, segments: Sequence[tuple[int, int]], margin_ms: int) -> bytes:
    """Return the audio of the speech segments, with `margin_ms` before and after each, and nothing twice."""
    speech, position = bytearray(), 0
    for begin, end in segments:
        first = max(position, SPEECH.bytes_in(max(0, begin - margin_ms) / 1000))
        position = max(first, SPEECH.bytes_in((end + margin_ms) / 1000))
        speech += pcm[first:position]
    return bytes(speech)
