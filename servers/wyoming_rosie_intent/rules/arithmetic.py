"""Sums and conversions of units, as pure functions of a sentence's slots."""

import math
import operator
from collections.abc import Callable, Mapping

MAX_RESULT = 1e12
"""Larger results are not spoken."""
_MAX_EXPONENT = 64
_KELVIN = 273.15

_OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "times": operator.mul,
    "over": operator.truediv,
    "percent_of": lambda share, whole: share * whole / 100,
    "power": lambda base, exponent: base**exponent if abs(exponent) <= _MAX_EXPONENT else math.inf,
}
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "length": {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1000, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344},
    "mass": {"mg": 1e-6, "g": 0.001, "kg": 1, "t": 1000, "oz": 0.028349523125, "lb": 0.45359237, "st": 6.35029318},
    # US customary measures of the kitchen
    "volume": {"mL": 0.001, "cL": 0.01, "dL": 0.1, "L": 1, "tsp": 0.00492892159375, "tbsp": 0.01478676478125,
               "fl oz": 0.0295735295625, "cup": 0.2365882365, "pt": 0.473176473, "qt": 0.946352946, "gal": 3.785411784},
    "time": {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800},
    "speed": {"km/h": 1 / 3.6, "m/s": 1, "mph": 0.44704, "kn": 1852 / 3600},
}  # fmt: skip
"""Units by quantity, as multiples of its base unit (NIST Handbook 44, appendix C)."""


def calculate(slots: Mapping[str, object]) -> float | None:
    """Return the result of a sum; None if there is none, as for a division by zero, or it is too large."""
    numbers = [_number(slots[name]) for name in ("left", "right", "third") if name in slots]
    signs = [str(slots[name]) for name in ("operator", "operator2") if name in slots]
    try:
        match signs, numbers:
            case [], [root]:
                result = math.sqrt(root)
            case [sign], [left, right]:
                result = _OPERATORS[sign](left, right)
            case [sign, other], [left, right, third]:
                result = _calculate_three(left, sign, right, other, third)
            case _:
                return None
    except (ArithmeticError, ValueError):
        return None
    return result if isinstance(result, int | float) and abs(result) <= MAX_RESULT else None


def _calculate_three(left: float, sign: str, right: float, other: str, third: float) -> float:
    """Multiply and divide before adding and subtracting."""
    if sign in {"plus", "minus"} and other in {"times", "over"}:
        return _OPERATORS[sign](left, _OPERATORS[other](right, third))
    return _OPERATORS[other](_OPERATORS[sign](left, right), third)


def convert(amount: float, unit: str, to: str) -> float | None:
    """Return an amount in another unit; None if both measure different quantities."""
    if {unit, to} == {"°C", "°F"}:
        return amount * 1.8 + 32 if unit == "°C" else (amount - 32) / 1.8
    if {unit, to} == {"°C", "K"}:
        return amount + _KELVIN if unit == "°C" else amount - _KELVIN
    for factors in _FACTORS.values():
        if unit in factors and to in factors:
            return amount * factors[unit] / factors[to]
    return None


def _number(value: object) -> float:
    return float(str(value))
