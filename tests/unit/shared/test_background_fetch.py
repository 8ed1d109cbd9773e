"""Background downloads: how often they are tried."""

import pytest

from wyoming_rosie.errors import EngineError
from wyoming_rosie.models.background_fetch import MAX_WRONG_CONTENTS, fetch_until_done
from wyoming_rosie.models.downloads import DownloadError, WrongContentError

PAUSE_SECONDS = 0.0001


class FailingSource:
    """A source that fails with these errors, then succeeds."""

    def __init__(self, *errors: DownloadError) -> None:
        self.calls = 0
        self._errors = iter(errors)

    async def fetch(self) -> None:
        self.calls += 1
        if (error := next(self._errors, None)) is not None:
            raise error


async def test_a_source_that_fails_is_tried_until_it_works() -> None:
    source = FailingSource(*[DownloadError("no network")] * 10)
    await fetch_until_done("tiny.en", source.fetch, PAUSE_SECONDS)
    assert source.calls == 11


async def test_a_wrong_file_is_not_downloaded_for_ever() -> None:
    source = FailingSource(DownloadError("no network"), *[WrongContentError("the checksum is wrong")] * 10)
    with pytest.raises(EngineError, match=r"tiny\.en is not fetched again until the next start: the checksum is wrong"):
        await fetch_until_done("tiny.en", source.fetch, PAUSE_SECONDS)
    assert source.calls == 1 + MAX_WRONG_CONTENTS
