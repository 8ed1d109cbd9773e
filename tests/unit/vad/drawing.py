"""Streams drawn as text, one letter for each frame of 32 ms."""

from wyoming_rosie.voice_activity.findings import Frame

FRAME_MS = 32
LETTERS = {
    ".": Frame(0.02, -60.0),  # a quiet room
    "~": Frame(0.05, -30.0),  # a noise
    "#": Frame(0.95, -20.0),  # a voice
    "+": Frame(0.40, -22.0),  # a voice, less sure
    "s": Frame(0.15, -35.0),  # a hiss that may be one
    "t": Frame(0.05, -35.0),  # the hiss that begins a word, before the model has noticed
    "-": Frame(0.60, -60.0),  # the model lingers, although the room is quiet again
    "m": Frame(0.20, -25.0),  # music
}


def frames(drawing: str) -> list[Frame]:
    return [LETTERS[letter] for letter in drawing if letter != " "]
