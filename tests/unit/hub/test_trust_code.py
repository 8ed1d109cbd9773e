"""The QR code of the house's certificate: what it says, read by another program, and when it is shown."""

import io

import cv2
import numpy as np
import pytest

from wyoming_rosie.text.qr_code import draw_text
from wyoming_rosie_hub.web.settings import WebConfig
from wyoming_rosie_hub.web.trust_code import choose_trust_uri, find_address, show_in_terminal

URI = "http://192.168.1.20:8000/ca"
BLOCKS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
"""Which halves of a character are light."""


class FakeTerminal(io.StringIO):
    """A terminal, or a file that a program's errors go to."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def decode(text: str) -> str:
    """Read a code from a terminal as a camera does."""
    lines = text.splitlines()
    halves = [[BLOCKS[char] for char in line] for line in lines]
    rows = [[pair[half] for pair in line] for line in halves for half in (0, 1)]
    light = np.kron(np.array(rows, dtype=np.uint8), np.full((8, 8), 255, dtype=np.uint8)).astype(np.uint8)
    return str(cv2.QRCodeDetector().detectAndDecode(light)[0])


@pytest.mark.parametrize("uri", [URI, "http://[fd00::1]:8000/ca", f"http://{'long-name.' * 10}local:65535/ca"])
def test_a_camera_reads_the_code_in_a_terminal(uri: str) -> None:
    assert decode(draw_text(uri)) == uri


def test_the_code_is_shown_in_a_terminal_alone() -> None:
    terminal, file = FakeTerminal(is_terminal=True), FakeTerminal(is_terminal=False)
    show_in_terminal(URI, terminal)
    show_in_terminal(URI, file)
    assert URI in terminal.getvalue()
    assert draw_text(URI) in terminal.getvalue()
    assert file.getvalue() == ""


@pytest.mark.parametrize(
    ("requested", "address", "expected"),
    [
        ("192.168.1.20:8000", None, URI),
        ("rosie.local:8000", "192.168.1.20", "http://rosie.local:8000/ca"),
        ("localhost:8000", "192.168.1.20", URI),
        ("127.0.0.1:8000", None, None),
        ("[fd00::1]:8000", None, "http://[fd00::1]:8000/ca"),
        ("rosie.example.org", None, "http://rosie.example.org:80/ca"),
        ("", None, None),
    ],
)
def test_the_code_leads_to_where_another_device_can_come(
    requested: str, address: str | None, expected: str | None
) -> None:
    assert choose_trust_uri(requested, address) == expected


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", None), ("localhost", None), ("192.168.1.20", "192.168.1.20")]
)
def test_an_address_of_this_machine_alone_leads_nowhere(host: str, expected: str | None) -> None:
    assert find_address(WebConfig(host=host)) == expected
