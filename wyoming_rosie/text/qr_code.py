"""QR codes as text for terminals. Needs segno."""

import io

import segno

QUIET_MODULES = 4
"""White border that cameras need (ISO/IEC 18004)."""


def draw_text(uri: str) -> str:
    """Return the code as lines of block characters for a terminal with a dark background."""
    drawn = io.StringIO()
    segno.make(uri, micro=False).terminal(drawn, border=QUIET_MODULES, compact=True)
    return drawn.getvalue()
