"""Phonemes that espeak-ng makes of a text, to compare how two texts sound."""

import ctypes as c
import re
from functools import cache

import espeakng_loader

from wyoming_rosie_tts.engines.espeak.engine import Settings, load

_UTF8 = 1
_IPA = 2
_STRESS_AND_SPACES = re.compile(r"[ˈˌ\s]|\([a-z-]+\)")


def phonemize(text: str, voice: str) -> str:
    """Return the text in IPA, without stress and spaces. The voice is one of the library's names or languages."""
    library = _load_library()
    if library.espeak_SetVoiceByName(voice.lower().encode()):
        raise ValueError(f"espeak-ng has no voice {voice}")
    encoded = c.create_string_buffer(text.encode())
    position = c.c_void_p(c.addressof(encoded))
    clauses = []
    while position.value:
        clauses.append((library.espeak_TextToPhonemes(c.byref(position), _UTF8, _IPA) or b"").decode())
    return _STRESS_AND_SPACES.sub("", "".join(clauses))


@cache
def _load_library() -> c.CDLL:
    load(Settings())  # initializes the library, once per process
    library = c.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = c.c_char_p
    library.espeak_TextToPhonemes.argtypes = (c.POINTER(c.c_void_p), c.c_int, c.c_int)
    return library
