"""Text of PDF files, in a process of its own: a damaged or hostile file may take any time and memory.

Run as `python -m wyoming_rosie.text.documents.pdf_text FILE`; prints a JSON list of the pages' texts.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.text.documents.sections import DocumentSection

MAX_PAGES = 500
MAX_SECONDS = 60
MAX_MEMORY_BYTES = 1_500_000_000
MAX_OUTPUT_BYTES = 20_000_000
_TOO_MUCH = "reading it takes more memory or time than a document may"


class PdfError(Exception):
    """A file is no PDF that can be read; the sentence says why."""


async def extract_pdf(path: Path) -> Sequence[DocumentSection]:
    """Return the text of each page. Raises PdfError."""
    reading = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, str(path),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(MAX_SECONDS + 10):
            output, problem = await reading.communicate()
    except TimeoutError:
        raise PdfError(_TOO_MUCH) from None
    finally:
        with suppress(ProcessLookupError):
            reading.kill()
    if reading.returncode != 0:
        lines = problem.decode(errors="replace").strip().splitlines()
        raise PdfError(lines[-1] if reading.returncode == 1 and lines else _TOO_MUCH)
    return [DocumentSection(f"page {number}", text) for number, text in enumerate(json.loads(output), 1) if text]


def main() -> None:
    """Print the pages' texts; exit with status 1 and the reason if that is not possible."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        pages = _read_pages(Path(sys.argv[1]))
    except MemoryError:
        sys.exit(_TOO_MUCH)
    except PdfError as err:
        sys.exit(str(err))
    sys.stdout.write(json.dumps(pages))


def _read_pages(path: Path) -> list[str]:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise PdfError(f"PDF needs a library that is not installed; run: {install_command(['memory'])}") from None
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise PdfError("it is encrypted; store it without its password")
        pages = len(reader.pages)
        if pages > MAX_PAGES:
            raise PdfError(f"it has {pages} pages; the most are {MAX_PAGES}: split it")
        return _take([page.extract_text() for page in reader.pages])
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError) as err:
        raise PdfError("it is no PDF, or a damaged one") from err


def _take(texts: Sequence[str]) -> list[str]:
    if sum(len(text) for text in texts) > MAX_OUTPUT_BYTES:
        raise PdfError(_TOO_MUCH)
    return list(texts)


if __name__ == "__main__":
    main()
