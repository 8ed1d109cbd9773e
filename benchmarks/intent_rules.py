"""Measure accuracy and speed of the intent daemon's rules: `python -m benchmarks.intent_rules`.

Half of the sentences (by a checksum of their text) may be looked at while the rules are changed, the other half is only
counted: `--show tune` lists what went wrong in the first half.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.unit.intent.sentence_tables.table import (
    FOLDER,
    SentenceCase,
    SentenceResult,
    evaluate,
    load_home,
    load_sentences,
)
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.rules import hassil, multi_command

ROOMS = ("kitchen", "bedroom", "office", "hall", "garden", "cellar", "attic", "bath", "nursery", "studio")
KINDS = ("lamp", "light", "fan", "heater", "speaker", "socket", "blind", "pump", "screen", "sensor")
DOMAINS = ("light", "light", "fan", "climate", "media_player", "switch", "cover", "switch", "media_player", "sensor")
WORDS = ("big", "small", "old", "new", "left", "right", "upper", "lower", "blue", "green")


def main() -> None:
    options = _parse_options()
    for language in ("en", "de"):
        _print_report(hassil.load(hassil.Settings((language,)), load_home(language)), language, options.show)
    if not options.no_times:
        for entities in (50, 500, 10_000):
            _print_times(entities)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=("tune", "measure"), help="list what went wrong in one half")
    parser.add_argument("--no-times", action="store_true", help="count only")
    return parser.parse_args()


def _print_report(recognizer: IntentRecognizer, language: str, show: str | None) -> None:
    said = load_sentences(language)
    found = {one: evaluate(recognizer, one) for one in said}
    for half in ("tune", "measure"):
        print(f"\n{language}, {half}: what was said (rows) and what came of it (columns)")
        _print_confusion([(one, found[one]) for one in said if one.purpose == half])
    for one in said:
        if one.purpose == show and not found[one].is_right:
            print(f"  {one.kind}: {one.text!r} = {one.expected}, but {found[one].got}")


def _print_confusion(found: Sequence[tuple[SentenceCase, SentenceResult]]) -> None:
    columns = ("right", "missed", "wrong")
    kinds = list(dict.fromkeys(said.kind for said, _ in found))
    print(f"{'':62}" + "".join(f"{column:>8}" for column in columns))
    total: Counter[str] = Counter()
    for kind in kinds:
        counted = Counter(one.verdict for said, one in found if said.kind == kind)
        total += counted
        print(f"{kind:62}" + "".join(f"{counted[column]:8}" for column in columns))
    print(f"{'all':62}" + "".join(f"{total[column]:8}" for column in columns))


def _print_times(entities: int) -> None:
    began = time.perf_counter()
    at = _create_home(entities)
    recognizer, spoken = hassil.load(hassil.Settings(), at), multi_command.load_split_rules(at, "en")
    ready = time.perf_counter() - began
    texts = [said.text for said in load_sentences("en")]
    commands = [said.text for said in load_sentences("en") if said.expected not in {"-", "?"}]
    print(f"\n{entities} entities: ready after {ready:.1f} s; milliseconds of computing for a sentence:")
    for what, said in (("commands", commands), ("all", texts)):
        median, most, worst = _measure_times(
            said, lambda text: multi_command.parse_commands(text, _create_recognize(recognizer), spoken)
        )
        print(f"  {what:10} {len(said):4}: median {median:6.1f}, 95 % {most:6.1f}, worst {worst:6.1f}")


def _create_recognize(recognizer: IntentRecognizer) -> Callable[[str], Match | None]:
    return lambda text: recognizer.recognize(text, "en", "kitchen")


def _measure_times(texts: Sequence[str], run: Callable[[str], object]) -> tuple[float, float, float]:
    """Return median, 95th percentile and maximum of the CPU time in milliseconds."""
    taken = []
    for text in texts:
        began = time.thread_time()
        run(text)
        taken.append((time.thread_time() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1], max(taken)


def _create_home(entities: int) -> Home:
    """Return the home of the tables with additional entities, each with a unique name."""
    base = loader.load_home(FOLDER / "home.toml")
    areas = tuple(Area(f"more_{room}", f"{room} two") for room in ROOMS)
    return replace(base, areas=(*base.areas, *areas), entities=(*base.entities, *map(_create_entity, range(entities))))


def _create_entity(number: int) -> Entity:
    kind, word, room = number % 10, number // 10 % 10, number // 100 % 10
    name = f"{WORDS[word]} {ROOMS[room]} {KINDS[kind]} {number // 1000 + 1}"
    return Entity(f"{DOMAINS[kind]}.{number}", name, DOMAINS[kind], f"more_{ROOMS[room]}")


if __name__ == "__main__":
    main()
