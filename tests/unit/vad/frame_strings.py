"""Streams drawn as text, one letter for each frame of 32 ms."""

from wyoming_rosie.voice_activity.events import VadFrame

FRAME_MS = 32
LETTERS = {
    ".": VadFrame(0.02, -60.0),  # a quiet room
    "~": VadFrame(0.05, -30.0),  # a noise
    "#": VadFrame(0.95, -20.0),  # a voice
    "+": VadFrame(0.40, -22.0),  # a voice, less sure
    "s": VadFrame(0.15, -35.0),  # a hiss that may be one
    "t": VadFrame(0.05, -35.0),  # the hiss that begins a word, before the model has noticed
    "-": VadFrame(0.60, -60.0),  # the model lingers, although the room is quiet again
    "m": VadFrame(0.20, -25.0),  # music
}


def frames(drawing: str) -> list[VadFrame]:
    return [LETTERS[letter] for letter in drawing if letter != " "]
