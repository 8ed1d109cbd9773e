"""What a program says of itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.commands.conformance import info
from wyoming_rosie.commands.conformance.outcome import FaultError, Outcome, Verdict, perform
from wyoming_rosie.commands.conformance.recording import Recording
from wyoming_rosie.commands.conformance.target import Target

CREDIT = {"name": "somebody", "url": "https://example.org"}
ITEM = {"name": "x", "attribution": CREDIT, "installed": True, "description": None, "version": "1"}
MODEL = {**ITEM, "languages": ["en"]}
ASR = {**ITEM, "models": [MODEL]}


async def verdicts(role: str, data: dict[str, Any]) -> dict[str, Verdict]:
    target = Target("tcp://127.0.0.1:1", role, Recording(b"", b""), data=data)
    outcomes: list[Outcome] = [await perform(check, target) for check in info.CHECKS]
    return {one.check: one.verdict for one in outcomes if one.verdict is not Verdict.OK}


async def test_a_complete_info_is_ok() -> None:
    assert await verdicts("asr", {"asr": [ASR]}) == {}


INFOS: dict[str, tuple[dict[str, Any], str, Verdict]] = {
    "no url": ({**ASR, "attribution": {"name": "x"}}, "info is complete", Verdict.FINDING),
    "no attribution": ({**ASR, "attribution": None}, "info is complete", Verdict.FAILED),
    "no version": ({**ASR, "version": None}, "info has versions", Verdict.FINDING),
    "not installed": ({**ASR, "installed": False}, "something is installed", Verdict.FAILED),
    "no model installed": (
        {**ASR, "models": [{**MODEL, "installed": False}]},
        "something is installed",
        Verdict.FAILED,
    ),
    "no language": ({**ASR, "models": [{**MODEL, "languages": []}]}, "models have languages", Verdict.FAILED),
}


@pytest.mark.parametrize(("program", "check", "verdict"), INFOS.values(), ids=INFOS)
async def test_what_is_missing_is_said(program: dict[str, Any], check: str, verdict: Verdict) -> None:
    assert await verdicts("asr", {"asr": [program]}) == {check: verdict}


async def test_what_home_assistant_does_not_see_is_said() -> None:
    assert await verdicts("asr", {"asr": [ASR, ASR]}) == {"one program at a port": Verdict.FINDING}
    satellite = await verdicts("satellite", {"satellite": ITEM, "wake": [ITEM], "asr": [ASR]})
    assert satellite["one program at a port"] is Verdict.FINDING


async def test_roles_are_those_of_the_info() -> None:
    assert info.roles({"asr": [ASR], "handle": [ITEM], "vad": [ITEM]}) == ["asr", "intent", "vad"]
    assert info.roles({}) == []


def test_an_info_that_wyoming_cannot_read_is_a_fault() -> None:
    with pytest.raises(FaultError):
        info.parsed({"asr": [{"name": "x"}]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ASR, "asr", "url"]), inner, max_size=4)
    ),
)


@given(JSON)
async def test_any_info_has_verdicts(sent: Any) -> None:
    await verdicts("asr", {"asr": sent})
