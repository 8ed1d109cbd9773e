"""Tests of the plugin; run `pytest` in this folder."""

from pathlib import Path

import pytest

from wyoming_rosie_intent.plugins.contract import CHECKS, Check, load_contract

CONTRACT = load_contract(Path(__file__).resolve().parent)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_it_keeps_its_contract(check: Check) -> None:
    await check(CONTRACT)
