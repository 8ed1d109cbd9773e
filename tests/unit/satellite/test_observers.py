"""Observers, one of which fails."""

from wyoming.event import Event

from wyoming_rosie_satellite.integrations.observers import Observers


class RecordingObserver:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_event(self, event: Event) -> None:
        self.seen.append(event.type)


class FailingObserver:
    def on_event(self, event: Event) -> None:
        raise RuntimeError("a bug")


def test_one_that_fails_keeps_nothing_from_the_others() -> None:
    first, last = RecordingObserver(), RecordingObserver()
    all_of_them = Observers([first, FailingObserver()])
    all_of_them.add(last)
    all_of_them.on_event(Event("played"))
    assert first.seen == last.seen == ["played"]
