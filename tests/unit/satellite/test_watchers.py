"""Those who watch, and one among them that fails."""

from wyoming.event import Event

from wyoming_rosie_satellite.integrations.observers import Watchers


class Notebook:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def saw(self, event: Event) -> None:
        self.seen.append(event.type)


class Broken:
    def saw(self, event: Event) -> None:
        raise RuntimeError("a bug")


def test_one_that_fails_keeps_nothing_from_the_others() -> None:
    first, last = Notebook(), Notebook()
    all_of_them = Watchers([first, Broken()])
    all_of_them.add(last)
    all_of_them.saw(Event("played"))
    assert first.seen == last.seen == ["played"]
