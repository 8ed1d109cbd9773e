"""Parsing of SSML's rates, volumes, pitches and breaks."""

import math
import re
from collections.abc import Mapping

from wyoming_rosie_tts.text.segments import Prosody

MAX_BREAK_MILLISECONDS = 10_000

_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.35, "x-fast": 1.75}
_VOLUMES = {"silent": 0.0, "x-soft": 0.25, "soft": 0.5, "medium": 1.0, "default": 1.0, "loud": 1.4, "x-loud": 2.0}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_BREAKS = {"none": 0, "x-weak": 100, "weak": 250, "medium": 500, "strong": 1000, "x-strong": 1500}
_EMPHASES = {
    "strong": Prosody(rate=0.9, volume=1.4, pitch=1.0),
    "moderate": Prosody(rate=0.95, volume=1.2, pitch=0.5),
    "reduced": Prosody(rate=1.05, volume=0.7, pitch=-0.5),
}
_AMOUNT = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)\s*(%|st|db|)", re.IGNORECASE)
_TIME = re.compile(r"\+?(\d+\.?\d*|\.\d+)\s*(ms|s|)", re.IGNORECASE)
_MAX_RATE_FACTOR = 10  # a bare number above it is a percentage


def parse_prosody(attributes: Mapping[str, str]) -> Prosody:
    """Parse the attributes of <prosody>. Invalid values change nothing."""
    return Prosody(
        _parse_rate(_get_attribute(attributes, "rate")),
        _parse_volume(_get_attribute(attributes, "volume")),
        _parse_pitch(_get_attribute(attributes, "pitch")),
    )


def parse_emphasis(attributes: Mapping[str, str]) -> Prosody:
    """Parse the attributes of <emphasis>."""
    level = _get_attribute(attributes, "level") or "moderate"
    return _EMPHASES.get(level, Prosody())


def combine(outer: Prosody, inner: Prosody) -> Prosody:
    """Return the prosody of an inner element, relative to the voice, limited to what is intelligible."""
    return Prosody(
        _clamp(0.25, outer.rate * inner.rate, 4.0),
        _clamp(0.0, outer.volume * inner.volume, 4.0),
        _clamp(-12.0, outer.pitch + inner.pitch, 12.0),
    )


def parse_break(attributes: Mapping[str, str]) -> int:
    """Return the milliseconds of a <break>. Its time takes precedence over its strength."""
    if found := _TIME.fullmatch(_get_attribute(attributes, "time")):
        amount = float(found[1]) * (1000 if found[2].lower() == "s" else 1)
        return round(min(amount, MAX_BREAK_MILLISECONDS))
    return _BREAKS.get(_get_attribute(attributes, "strength"), _BREAKS["medium"])


def _parse_rate(value: str) -> float:
    sign, amount, unit = _parse_amount(value)
    is_percentage = unit == "%" or (not sign and amount > _MAX_RATE_FACTOR)
    factor = _to_factor(sign, amount / 100 if is_percentage else amount)
    return _RATES.get(value, factor if unit in ("%", "") else 1.0)


def _parse_volume(value: str) -> float:
    sign, amount, unit = _parse_amount(value)
    if unit == "db":
        return float(10 ** (_apply_sign(sign, min(amount, 100)) / 20))
    return _VOLUMES.get(value, _to_factor(sign, amount / 100) if unit in ("%", "") else 1.0)


def _parse_pitch(value: str) -> float:
    sign, amount, unit = _parse_amount(value)
    if unit == "st":
        return _apply_sign(sign, amount)
    return 12 * math.log2(max(_to_factor(sign, amount / 100), 0.5)) if unit == "%" else _PITCHES.get(value, 0.0)


def _parse_amount(value: str) -> tuple[str, float, str]:
    """Return the sign, the number and the unit, which is "?" for an invalid value."""
    found = _AMOUNT.fullmatch(value)
    return (found[1], min(float(found[2]), 1e6), found[3].lower()) if found else ("", 0.0, "?")


def _to_factor(sign: str, amount: float) -> float:
    return max(1 + _apply_sign(sign, amount), 0.0) if sign else amount


def _apply_sign(sign: str, amount: float) -> float:
    return -amount if sign == "-" else amount


def _get_attribute(attributes: Mapping[str, str], name: str) -> str:
    return attributes.get(name, "").strip().lower()


def _clamp(low: float, value: float, high: float) -> float:
    return min(max(value, low), high)
