"""The library SVOX Pico, called through ctypes (https://android.googlesource.com/platform/external/svox, picoapi.h).

The package py-nanotts brings it within its extension module, whose own function holds Python's lock until a text is
synthesized. Calls through ctypes do not. Each synthesis has a system of its own, so that several may run at once.
"""

import ctypes as c
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wyoming_rosie.errors import EngineError

RATE = 16_000
MEMORY_BYTES = 2_500_000
"""Memory of a system, from which the library takes all it needs."""
_VOICE = b"voice"
_NAME_BYTES = 32
_MAX_PATH_BYTES = 191
_OUTPUT_BYTES = 128
_IDLE, _BUSY = 200, 201
_Handle = c.c_void_p
_SIGNATURES = {
    "pico_initialize": (c.c_void_p, c.c_int32, c.POINTER(_Handle)),
    "pico_terminate": (c.POINTER(_Handle),),
    "pico_loadResource": (_Handle, c.c_char_p, c.POINTER(_Handle)),
    "pico_unloadResource": (_Handle, c.POINTER(_Handle)),
    "pico_getResourceName": (_Handle, _Handle, c.c_char_p),
    "pico_createVoiceDefinition": (_Handle, c.c_char_p),
    "pico_addResourceToVoiceDefinition": (_Handle, c.c_char_p, c.c_char_p),
    "pico_newEngine": (_Handle, c.c_char_p, c.POINTER(_Handle)),
    "pico_disposeEngine": (_Handle, c.POINTER(_Handle)),
    "pico_releaseVoiceDefinition": (_Handle, c.c_char_p),
    "pico_putTextUtf8": (_Handle, c.c_char_p, c.c_int16, c.POINTER(c.c_int16)),
    "pico_getData": (_Handle, c.c_char_p, c.c_int16, c.POINTER(c.c_int16), c.POINTER(c.c_int16)),
}


class PicoLibrary:
    """The loaded library. Its calls may overlap. Raises EngineError."""

    def __init__(self, path: Path) -> None:
        try:
            self._library = c.CDLL(str(path))
        except OSError as err:
            raise EngineError(f"cannot load Pico from {path}: {err}") from err
        for name, arguments in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.argtypes, function.restype = arguments, c.c_int32

    def synthesize(self, files: tuple[Path, Path], markup: bytes) -> Iterator[bytes]:
        """Yield 16-bit mono PCM, a few milliseconds each; `files` are a voice's text analysis and its sounds.

        Raises EngineError.
        """
        with self._open(files) as engine:
            text, sent = markup + b"\0", c.c_int16()
            while text:
                self._call("pico_putTextUtf8", engine, text, min(len(text), 32_767), sent)
                text = text[sent.value :]
                yield from self._read(engine)

    def _read(self, engine: _Handle) -> Iterator[bytes]:
        """Yield what the engine makes of the text that it has; nothing for a step without audio."""
        buffer, received, kind = c.create_string_buffer(_OUTPUT_BYTES), c.c_int16(), c.c_int16()
        status = _BUSY
        while status == _BUSY:
            status = self._library.pico_getData(engine, buffer, _OUTPUT_BYTES, received, kind)
            if received.value:
                yield buffer.raw[: received.value]
        if status != _IDLE:
            raise EngineError(f"Pico could not speak (status {status})")

    @contextmanager
    def _open(self, files: tuple[Path, Path]) -> Iterator[_Handle]:
        """Open an engine with one voice, in a system of its own."""
        memory, system, engine = c.create_string_buffer(MEMORY_BYTES), _Handle(), _Handle()
        with ExitStack() as stack:
            self._call("pico_initialize", memory, MEMORY_BYTES, system)
            stack.callback(self._call, "pico_terminate", system)
            resources = [self._load(system, file, stack) for file in files]
            self._call("pico_createVoiceDefinition", system, _VOICE)
            stack.callback(self._call, "pico_releaseVoiceDefinition", system, _VOICE)
            for name in resources:
                self._call("pico_addResourceToVoiceDefinition", system, _VOICE, name)
            self._call("pico_newEngine", system, _VOICE, engine)
            stack.callback(self._call, "pico_disposeEngine", system, engine)
            yield engine

    def _load(self, system: _Handle, file: Path, stack: ExitStack) -> bytes:
        """Load a file until the stack is closed; return its name in the library."""
        path = str(file).encode()
        if len(path) > _MAX_PATH_BYTES:
            raise EngineError(f"Pico takes no paths of more than {_MAX_PATH_BYTES} bytes: {file}")
        resource, name = _Handle(), c.create_string_buffer(_NAME_BYTES)
        self._call("pico_loadResource", system, path, resource)
        stack.callback(self._call, "pico_unloadResource", system, resource)
        self._call("pico_getResourceName", system, resource, name)
        return name.value

    def _call(self, name: str, *arguments: object) -> None:
        if status := getattr(self._library, name)(*arguments):
            raise EngineError(f"{name} failed with status {status}")
