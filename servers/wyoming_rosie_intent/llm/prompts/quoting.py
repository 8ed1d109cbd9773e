"""Quoting: text that anybody may have written, so that a model takes it for data. Pure."""

import json
import re

MAX_NAME_CHARACTERS = 60
"""Characters of an entity's name, or of a text in its state."""
_MARK = re.compile(r"<\|?/?([\w-]{1,40})\|?>|\[/?([A-Z_]{2,40})\]")


def quote(text: object, most: int = MAX_NAME_CHARACTERS) -> str:
    """Return untrusted text as one line in quotation marks, so that it cannot pass for instructions."""
    return json.dumps(sanitize(text, most), ensure_ascii=False)


def sanitize(text: object, most: int = MAX_NAME_CHARACTERS) -> str:
    """Return untrusted text as one line of at most `most` characters."""
    plain = str(text)[: most * 4]
    if not plain.isprintable():
        plain = "".join(character if character.isprintable() else " " for character in plain)
    plain = escape_tokens(" ".join(plain.split()))
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def escape_tokens(text: str) -> str:
    """Replace special tokens, which could end a message: <|im_end|> becomes (im_end)."""
    return _MARK.sub(lambda found: f"({found[1] or found[2]})", text)
