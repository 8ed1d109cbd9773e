"""Redaction of names and public addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.commands.diagnostics.redaction import redact

TEXTS = {
    "Ada's headset": "somebody's headset",
    "Ada\u2019s AirPods": "somebody\u2019s AirPods".replace("\u2019s", "'s"),
    "AirPods von Ada": "AirPods von somebody",
    "tcp://192.168.1.5:10300 ok": "tcp://192.168.1.5:10300 ok",
    "tcp://203.0.113.9:10300": "tcp://203.0.113.9:10300",
    "tcp://8.8.8.8:10300": "tcp://(public address):10300",
    "tcp://[2a00:1450:4001::1]:10300": "tcp://(public address):10300",
    "tcp://[fe80::1%eth0]:10300": "tcp://[fe80::1%eth0]:10300",
    "/home/ada/models": "/home/(name)/models",
    "rosie-asr-adabox-12": "rosie-asr-(name)-12",
    "USB Audio: - (hw:1,0)": "USB Audio: - (hw:1,0)",
    "version 1.10.2 at 10:20:30": "version 1.10.2 at 10:20:30",
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.items())
def test_names_and_public_addresses_are_left_out(text: str, shown: str) -> None:
    assert redact(text, {"ada", "adabox"}) == shown


@given(st.ip_addresses(v=4))
def test_no_public_address_passes(address: object) -> None:
    shown = redact(f"at {address}, port 1", set())
    assert (str(address) in shown) == address.is_private  # type: ignore[attr-defined]


@given(st.text(), st.sets(st.text(max_size=5)))
def test_any_text_is_shown(text: str, names: set[str]) -> None:
    assert isinstance(redact(text, names), str)
