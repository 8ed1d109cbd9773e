"""Strict JSON decoder: refuses NaN and Infinity, and replaces lone surrogates."""

import json
import re
from typing import Any, NoReturn

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(raw: bytes | str) -> Any:
    """Return the value of a JSON document in UTF-8; a lone surrogate in its text becomes U+FFFD.

    JSON can escape half a character (RFC 8259, section 8.2), which no encoding can write. Raises ValueError for what is
    not JSON and RecursionError for JSON that is nested too deeply.
    """
    text = raw if isinstance(raw, str) else raw.decode()
    value = _DECODER.decode(text)
    if "\\" in text and _ESCAPED_SURROGATE.search(text):  # pairs of escapes have become characters by now
        value = _DECODER.decode(_SURROGATE.sub("\ufffd", _ENCODER.encode(value)))
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
