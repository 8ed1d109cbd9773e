"""Measure accuracy and speed of the intent daemon's rules: `python -m benchmarks.intent_rules`.

Half of the sentences (by a checksum of their text) may be looked at while the rules are changed, the other half is only
counted: `--show tune` lists what went wrong in the first half. The English ones are also given to hassil with Home Assistant's
templates and, after `scripts/peers`, to gazetteer-matcher, alone and behind the rules with gates.
"""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import psutil

from benchmarks.peers import intents as peers
from tests.unit.intent.sentence_tables.table import (
    AREA,
    FOLDER,
    SentenceCase,
    SentenceResult,
    evaluate,
    evaluate_matches,
    load_home,
    load_household,
    load_no_commands,
    load_sentences,
    load_split_rules,
)
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, PendingAction
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Policy, is_dangerous
from wyoming_rosie_intent.rules import filler_words, hassil, multi_command, templates

Matches: TypeAlias = tuple[Match, ...]

ROOMS = ("kitchen", "bedroom", "office", "hall", "garden", "cellar", "attic", "bath", "nursery", "studio")
KINDS = ("lamp", "light", "fan", "heater", "speaker", "socket", "blind", "pump", "screen", "sensor")
DOMAINS = ("light", "light", "fan", "climate", "media_player", "switch", "cover", "switch", "media_player", "sensor")
WORDS = ("big", "small", "old", "new", "left", "right", "upper", "lower", "blue", "green")


HOUSEHOLD = ("en", "de", "fr", "es", "it", "nl")
ENTITIES = (50, 500, 5000)
CLIENTS = 20
MEBIBYTE = 1024 * 1024


def main() -> None:
    options = _parse_options()
    for language in ("en", "de"):
        _print_report(hassil.load(hassil.Settings((language,)), load_home(language)), language, options.show)
    for language in HOUSEHOLD:
        _print_household(language)
    if not options.no_times:
        for entities in ENTITIES:
            _print_times(entities)
            asyncio.run(_print_clients(entities))


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


def _print_household(language: str) -> None:
    """Print what each recognizer makes of a household's sentences, and of those that must not act."""
    recognizer = hassil.load(hassil.Settings((language,)), load_home(language))
    no_commands = load_no_commands(language) if language in {"en", "de"} else ()
    said = (*load_household(language), *no_commands)
    found = _recognize_all(recognizer, language, said)
    results = {
        name: [evaluate_matches(*each) for each in zip(matches, said, strict=True)] for name, matches in found.items()
    }
    for half in ("tune", "measure"):
        _print_comparison(f"{language}, household, {half}", said, results, half)


def _recognize_all(
    recognizer: IntentRecognizer, language: str, said: Sequence[SentenceCase]
) -> Mapping[str, Sequence[Matches]]:
    """Return the matches of each recognizer by its name."""
    home, rules = load_home(language), load_split_rules(language)
    strict = peers.StrictHassil(home, language)

    def recognize(text: str) -> Match | None:
        return recognizer.recognize(text, language, AREA)

    own: list[Matches] = [multi_command.parse_commands(one.text, recognize, rules) for one in said]
    found: dict[str, Sequence[Matches]] = {"rules": own}
    found["hassil strict"] = [strict.recognize(one.text, AREA) for one in said]
    if language == "en" and peers.GAZETTEER.exists():
        other = peers.run_gazetteer(home, [one.text for one in said], AREA).matches
        found["gazetteer"] = other
        found["rules, gazetteer"] = [
            first or (second if passes_gates(one.text, second) else ())
            for one, first, second in zip(said, own, other, strict=True)
        ]
    return found


def passes_gates(text: str, matches: Matches) -> bool:
    """Return whether a loose match may count: no word of negations, suppositions and reports, nothing dangerous."""
    hints = filler_words.load_hints(templates.load_custom_sentences("en")["nearly"])
    words = hints.remove_fillers(filler_words.normalize_words(text))
    return hints.non_command_words.isdisjoint(words) and not any(map(_is_dangerous, matches))


def _is_dangerous(match: Match) -> bool:
    found = targets.find_targets(load_home("en"), match, AREA)
    return not isinstance(found, tuple) or any(is_dangerous(Policy(), entity) for entity in found)


def _print_comparison(
    title: str, said: Sequence[SentenceCase], results: Mapping[str, Sequence[SentenceResult]], half: str
) -> None:
    print(f"\n{title}: right, missed and wrong")
    print(f"{'':58}" + "".join(f"{name:>18}" for name in results))
    of_half = [place for place, one in enumerate(said) if one.purpose == half]
    kinds = {
        kind: [place for place in of_half if said[place].kind == kind] for kind in dict.fromkeys(map(_kind_of, said))
    }
    meant = [place for place in of_half if said[place].expected not in {"-", "?"}]
    idle = [place for place in of_half if said[place].expected in {"-", "?"}]
    for name, places in {**kinds, "all that is meant": meant, "all that is no command": idle}.items():
        cells = "".join(f"{_count(result, places):>18}" for result in results.values())
        print(f"{f'{name} ({len(places)})':58}{cells}")


def _kind_of(said: SentenceCase) -> str:
    return said.kind


def _count(results: Sequence[SentenceResult], places: Sequence[int]) -> str:
    counted = Counter(results[place].verdict for place in places)
    return " ".join(str(counted[verdict]) for verdict in ("right", "missed", "wrong"))


def _print_times(entities: int) -> None:
    began, before = time.perf_counter(), psutil.Process().memory_info().rss
    at = _create_home(entities)
    recognizer, spoken = hassil.load(hassil.Settings(), at), multi_command.load_split_rules(at, "en")
    ready, grown = time.perf_counter() - began, (psutil.Process().memory_info().rss - before) / MEBIBYTE
    texts = [said.text for said in (*load_sentences("en"), *load_household("en"))]
    print(f"\n{entities} entities: milliseconds of computing for each of {len(texts)} sentences:")
    _print_time(
        "rules",
        ready,
        grown,
        _measure_times(texts, lambda text: multi_command.parse_commands(text, _create_recognize(recognizer), spoken)),
    )
    if peers.GAZETTEER.exists():
        run = peers.run_gazetteer(at, texts, AREA)
        _print_time(
            "gazetteer, the whole process", run.ready_seconds, run.megabytes, _summarize_times(run.milliseconds)
        )


def _print_time(name: str, ready: float, megabytes: float, times: tuple[float, float, float]) -> None:
    median, most, worst = times
    print(
        f"  {name:28} median {median:6.1f}, 95 % {most:6.1f}, worst {worst:6.1f}; ready after {ready:.1f} s, {megabytes:.0f} MB"
    )


async def _print_clients(entities: int) -> None:
    """Print how long clients wait for answers when all of them speak at once."""
    at = _create_home(entities)
    confirmations: Confirmations[PendingAction] = Confirmations(
        *templates.load_replies(("en",)), templates.load_polite_phrases(("en",))
    )
    recognizer = hassil.load(hassil.Settings(), at)
    dialogue = Dialogue(recognizer, ActionExecutor(at, DemoActor(at)), confirmations)
    texts = [said.text for said in load_household("en")]
    waited: list[float] = []

    async def speak(client: int) -> None:
        for text in texts[client::CLIENTS]:
            began = time.perf_counter()
            said = ConversationInput(text, str(client), "en", AREA)
            _ = [event async for event in dialogue.answer(said, datetime.now(UTC), began)]
            waited.append((time.perf_counter() - began) * 1000)

    try:
        await asyncio.gather(*(speak(client) for client in range(CLIENTS)))
    finally:
        dialogue.close()
    median, most, worst = _summarize_times(waited)
    print(f"  {CLIENTS} clients at once wait: median {median:.1f}, 95 % {most:.1f}, worst {worst:.1f} ms")


def _create_recognize(recognizer: IntentRecognizer) -> Callable[[str], Match | None]:
    return lambda text: recognizer.recognize(text, "en", "kitchen")


def _measure_times(texts: Sequence[str], run: Callable[[str], object]) -> tuple[float, float, float]:
    """Return median, 95th percentile and maximum of the CPU time in milliseconds."""
    taken = []
    for text in texts:
        began = time.thread_time()
        run(text)
        taken.append((time.thread_time() - began) * 1000)
    return _summarize_times(taken)


def _summarize_times(taken: Sequence[float]) -> tuple[float, float, float]:
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
