"""The espeak-ng library, called through ctypes (https://github.com/espeak-ng/espeak-ng, speak_lib.h).

The library has global state: its calls must never overlap, so callers hold its lock. It is licensed under the GPL-3, is not
part of this package, and is loaded at run time.
"""

import ctypes as c
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from wyoming_rosie.errors import EngineError

BUFFER_MILLISECONDS = 1000
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000  # otherwise, the library exits the process if its data is missing
_UTF8 = 0x0001
_PAUSE_AT_END = 0x1000
_CHARACTER_POSITION = 1
_SOME_PUNCTUATION = 2
_SPOKEN_PUNCTUATION = "<>"  # silent otherwise, unlike & and %


class Parameter(IntEnum):
    """Global parameters of the library."""

    RATE = 1  # words per minute
    VOLUME = 2  # 100 is normal
    PITCH = 3  # 0 to 99
    PUNCTUATION = 5


@dataclass(frozen=True)
class LibraryVoice:
    """A voice in the library's list. `languages` are tags with a distance; lower is better."""

    identifier: str
    title: str
    languages: tuple[tuple[str, int], ...]


class _VoiceStruct(c.Structure):
    _fields_ = (
        ("name", c.c_char_p),
        ("languages", c.c_void_p),
        ("identifier", c.c_char_p),
        ("gender", c.c_ubyte),
        ("age", c.c_ubyte),
        ("variant", c.c_ubyte),
        ("reserved", c.c_ubyte),
        ("score", c.c_int),
        ("spare", c.c_void_p),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int, c.c_void_p)
_SIGNATURES = {
    "espeak_Initialize": ((c.c_int, c.c_int, c.c_char_p, c.c_int), c.c_int),
    "espeak_Info": ((c.POINTER(c.c_char_p),), c.c_char_p),
    "espeak_ListVoices": ((c.c_void_p,), c.POINTER(c.POINTER(_VoiceStruct))),
    "espeak_SetParameter": ((c.c_int, c.c_int, c.c_int), c.c_int),
    "espeak_SetPunctuationList": ((c.c_wchar_p,), c.c_int),
    "espeak_SetSynthCallback": ((_Callback,), None),
    "espeak_SetVoiceByName": ((c.c_char_p,), c.c_int),
    "espeak_Synth": (
        (c.c_char_p, c.c_size_t, c.c_uint, c.c_int, c.c_uint, c.c_uint, c.c_void_p, c.c_void_p),
        c.c_int,
    ),
}


class EspeakLibrary:
    """The loaded library; `data` is the folder that holds its dictionaries. Raises EngineError."""

    def __init__(self, library: Path, data: Path) -> None:
        self.lock = threading.Lock()
        self._data = data
        self._library = _open_library(library)
        self.rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, BUFFER_MILLISECONDS, str(data.parent).encode(), _DO_NOT_EXIT
        )
        if self.rate <= 0:
            raise EngineError(f"espeak-ng found no usable data in {data}")
        self.version = self._library.espeak_Info(c.byref(c.c_char_p())).decode().split()[0]
        self._samples = bytearray()
        self._callback = _Callback(self._on_samples)  # a reference: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetPunctuationList(_SPOKEN_PUNCTUATION)
        self.set_parameter(Parameter.PUNCTUATION, _SOME_PUNCTUATION)

    def list_voices(self) -> list[LibraryVoice]:
        """Return the voices that have a dictionary; the library lists a few that have none."""
        dictionaries = {path.name.removesuffix("_dict") for path in self._data.glob("*_dict")}
        return [
            voice
            for voice in self._iterate_voices()
            if dictionaries & {tag.partition("-")[0] for tag, _ in voice.languages}
        ]

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        self._library.espeak_SetParameter(parameter, value, 0)

    def synthesize(self, identifier: str, text: str, *, pause: bool) -> bytes:
        """Return a text, which must not contain NUL, as 16-bit mono PCM. Raises EngineError."""
        if self._library.espeak_SetVoiceByName(identifier.encode()):
            raise EngineError(f"espeak-ng has no voice {identifier}")

        flags = _UTF8 | (_PAUSE_AT_END if pause else 0)
        encoded = text.encode()
        self._samples.clear()
        if status := self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, _CHARACTER_POSITION, 0, flags, None, None
        ):
            raise EngineError(f"espeak-ng could not speak (status {status})")
        return bytes(self._samples)

    def _on_samples(self, samples: int | None, count: int, _: int | None) -> int:
        if samples and count:
            self._samples += c.string_at(samples, 2 * count)
        return 0

    def _iterate_voices(self) -> Iterator[LibraryVoice]:
        listed = self._library.espeak_ListVoices(None)
        position = 0
        while listed[position]:
            voice = listed[position].contents
            yield LibraryVoice(
                voice.identifier.decode(), voice.name.decode().strip(), tuple(_parse_languages(voice.languages))
            )
            position += 1


def _open_library(path: Path) -> c.CDLL:
    try:
        library = c.CDLL(str(path))
    except OSError as err:
        raise EngineError(f"cannot load espeak-ng from {path}: {err}") from err
    for name, (arguments, result) in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


def _parse_languages(address: int) -> Iterator[tuple[str, int]]:
    """Parse a list of one byte for the distance and a zero-terminated tag; a distance of zero ends it."""
    while distance := c.string_at(address, 1)[0]:
        tag = c.string_at(address + 1)
        yield tag.decode(), distance
        address += 1 + len(tag) + 1
