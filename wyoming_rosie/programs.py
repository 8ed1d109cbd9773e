"""The programs of the suite; a test compares this list with the folders, console scripts and extras."""

from dataclasses import dataclass
from typing import Literal

MAKER = "wyoming-rosie"
"""Whom our programs name as their maker."""


@dataclass(frozen=True)
class Program:
    """`role` is the program's name everywhere: extra, TOML table, environment prefix and mDNS record."""

    role: str
    folder: Literal["servers", "satellite"]
    port: int | None  # the default port; None for a client

    @property
    def package(self) -> str:
        return f"wyoming_rosie_{self.role}"

    @property
    def command(self) -> str:
        return f"wyoming-rosie-{self.role}"


PROGRAMS = (
    Program("wake", "servers", 10400),
    Program("vad", "servers", 10450),
    Program("asr", "servers", 10300),
    Program("intent", "servers", 10550),
    Program("tts", "servers", 10200),
    Program("hub", "servers", None),
    Program("bridge", "servers", None),
    Program("satellite", "satellite", 10700),
)
BY_ROLE = {program.role: program for program in PROGRAMS}
DAEMONS = tuple(program for program in PROGRAMS if program.folder == "servers" and program.port)
