"""Language tags (BCP 47), as other programs write them: en, en-US, en_us."""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")


def is_language_tag(text: object) -> bool:
    """Return whether something is a text of a tag's form."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


def base_language(tag: str) -> str:
    """Return the language of a tag in lower case: de for de-AT."""
    return tag.replace("_", "-").partition("-")[0].casefold()
