"""Conformance checks of info."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.commands.conformance import info
from wyoming_rosie.commands.conformance.checks import CheckResult, CheckVerdict, ConformanceError, run_check
from wyoming_rosie.commands.conformance.recording import CheckRecording
from wyoming_rosie.commands.conformance.target import CheckTarget

CREDIT = {"name": "somebody", "url": "https://example.org"}
ITEM = {"name": "x", "attribution": CREDIT, "installed": True, "description": None, "version": "1"}
MODEL = {**ITEM, "languages": ["en"]}
ASR = {**ITEM, "models": [MODEL]}


async def verdicts(role: str, data: dict[str, Any]) -> dict[str, CheckVerdict]:
    target = CheckTarget("tcp://127.0.0.1:1", role, CheckRecording(b"", b""), data=data)
    outcomes: list[CheckResult] = [await run_check(check, target) for check in info.CHECKS]
    return {one.check: one.verdict for one in outcomes if one.verdict is not CheckVerdict.OK}


async def test_a_complete_info_is_ok() -> None:
    assert await verdicts("asr", {"asr": [ASR]}) == {}


INFOS: dict[str, tuple[dict[str, Any], str, CheckVerdict]] = {
    "no url": ({**ASR, "attribution": {"name": "x"}}, "info is complete", CheckVerdict.FINDING),
    "no attribution": ({**ASR, "attribution": None}, "info is complete", CheckVerdict.FAILED),
    "no version": ({**ASR, "version": None}, "info has versions", CheckVerdict.FINDING),
    "not installed": ({**ASR, "installed": False}, "something is installed", CheckVerdict.FAILED),
    "no model installed": (
        {**ASR, "models": [{**MODEL, "installed": False}]},
        "something is installed",
        CheckVerdict.FAILED,
    ),
    "no language": ({**ASR, "models": [{**MODEL, "languages": []}]}, "models have languages", CheckVerdict.FAILED),
}


@pytest.mark.parametrize(("program", "check", "verdict"), INFOS.values(), ids=INFOS)
async def test_what_is_missing_is_said(program: dict[str, Any], check: str, verdict: CheckVerdict) -> None:
    assert await verdicts("asr", {"asr": [program]}) == {check: verdict}


def test_a_model_that_is_still_fetched_is_named() -> None:
    fetched = {**ASR, "models": [MODEL, {**MODEL, "name": "tiny.en", "installed": False}]}
    target = CheckTarget("tcp://127.0.0.1:1", "asr", CheckRecording(b"", b""), data={"asr": [fetched]})
    assert info.check_installed(target) == "1 of 2 models; not yet: tiny.en"


async def test_what_home_assistant_does_not_see_is_said() -> None:
    assert await verdicts("asr", {"asr": [ASR, ASR]}) == {"one program at a port": CheckVerdict.FINDING}
    satellite = await verdicts("satellite", {"satellite": ITEM, "wake": [ITEM], "asr": [ASR]})
    assert satellite["one program at a port"] is CheckVerdict.FINDING


async def test_roles_are_those_of_the_info() -> None:
    assert info.get_roles({"asr": [ASR], "handle": [ITEM], "vad": [ITEM]}) == ["asr", "intent", "vad"]
    assert info.get_roles({}) == []


def test_an_info_that_wyoming_cannot_read_is_a_fault() -> None:
    with pytest.raises(ConformanceError):
        info.parse_info({"asr": [{"name": "x"}]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ASR, "asr", "url"]), inner, max_size=4)
    ),
)


@given(JSON)
async def test_any_info_has_verdicts(sent: Any) -> None:
    await verdicts("asr", {"asr": sent})
