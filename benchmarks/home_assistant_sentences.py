"""Recognize Home Assistant's own test sentences: `python -m benchmarks.home_assistant_sentences FOLDER`.

FOLDER is a checkout of OHF-Voice/intents, near the version of home-assistant-intents that is installed. Each of its test files
has a home of its own. The same sentences are given to hassil with the templates of home-assistant-intents, as Home Assistant
runs it: what it does not recognize was changed between the two versions.
"""

import argparse
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import structlog
import yaml
from hassil import parse_sentence
from hassil.sample import sample_expression

from benchmarks.peers.intents import StrictHassil
from wyoming_rosie.home.model import Area, Entity, Floor, Home, Zone
from wyoming_rosie_intent.engine import Match, SlotValue
from wyoming_rosie_intent.rules import hassil, multi_command

Matches: TypeAlias = tuple[Match, ...]
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt-BR", "pl", "sv", "da", "nb", "fi", "cs", "ru")
VERDICTS = ("right", "wrong", "missed")
ELSEWHERE = "the speaker's room"
"""Area of the speaker in files that name none."""
AT_HOME = frozenset({"casa", "doma", "hjemme", "kotona", "maison", "nhà", "thuis", "zu Hause", "家"})
"""Zones of the files that are the state "home" of a person."""
SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class ExpectedCommand:
    """Intent, slots and the domains that the targets may have; any domain without one."""

    intent: str
    slots: Mapping[str, Any]
    domains: frozenset[str]
    is_here: bool  # the speaker's area is a slot beside the expected ones

    def compare(self, matches: Matches) -> str:
        """Return right, wrong or missed."""
        if not matches:
            return "missed"
        return "right" if len(matches) == 1 and self._fits(matches[0]) else "wrong"

    def _fits(self, match: Match) -> bool:
        """Return whether the meaning is the same: 90 minutes are an hour and a half."""
        ignored = {"domain"} | ({"area"} - self.slots.keys() if self.is_here else set())
        slots = _sum_durations({name: value for name, value in match.slots.items() if name not in ignored})
        expected = _sum_durations(self.slots)
        return (
            match.intent == self.intent
            and slots.keys() == expected.keys()
            and all(_is_one_of(value, expected[name]) for name, value in slots.items())
            and (not self.domains or match.domain in self.domains)
        )


@dataclass(frozen=True)
class SentenceFile:
    """The sentences of one intent and combination of slots, with their home."""

    kind: str
    home: Home
    area: str  # of the speaker
    sentences: Sequence[tuple[str, ExpectedCommand]]


def main() -> None:
    options = _parse_options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    titles = "".join(f"{verdict:>8}" for verdict in VERDICTS)
    print(f"{'':10}{'':>10}{'rules':>8}{'':16}{'hassil':>16}\n{'language':10}{'sentences':>10}{titles}{titles:>32}")
    for language in options.languages:
        _print_language(options.folder, language, list_failures=options.failures)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkout of OHF-Voice/intents")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, help="which languages to try")
    parser.add_argument("--failures", action="store_true", help="list what is not right, by kind")
    return parser.parse_args()


def _print_language(folder: Path, language: str, *, list_failures: bool) -> None:
    rules, strict = hassil.load(hassil.Settings((language,)), Home()), StrictHassil(Home(), language)
    own: Counter[str] = Counter()
    other: Counter[str] = Counter()
    failures: dict[str, list[str]] = defaultdict(list)
    for file in load_files(folder, language):
        rules.set_home(file.home)
        strict.set_home(file.home)
        for text, expected in file.sentences:
            found, peer = _recognize(rules, file, text, language), strict.recognize(text, file.area)
            verdict, peer_verdict = expected.compare(found), expected.compare(peer)
            own[verdict] += 1
            other[peer_verdict] += 1
            if verdict != "right":
                failures[file.kind].append(
                    f"{text!r} = {_format(expected)}, but {_format_matches(found)} (hassil: {peer_verdict})"
                )
    total = own.total()
    counts = "".join(f"{counted[verdict]:8}" for counted in (own, other) for verdict in VERDICTS)
    print(f"{language:10}{total:10}{counts}   {own['right'] / max(total, 1):.1%}", flush=True)
    for kind, lines in failures.items() if list_failures else ():
        print(f"  {kind}", *lines, sep="\n    ")


def _recognize(rules: hassil.HassilRecognizer, file: SentenceFile, text: str, language: str) -> Matches:
    spoken = multi_command.load_split_rules(file.home, language)
    return multi_command.parse_commands(text, lambda part: rules.recognize(part, language, file.area), spoken)


def load_files(folder: Path, language: str) -> Iterator[SentenceFile]:
    """Read the test files of a language."""
    intents = _load_yaml(folder / "intents.yaml")
    for file in sorted((folder / "tests" / language).glob("*/*.yaml")):
        combination = intents[file.parent.name]["slot_combinations"].get(file.stem)
        if combination is not None:
            yield _create_file(_load_yaml(file), file.parent.name, file.stem, combination)


def _load_yaml(file: Path) -> Any:
    return yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)


def _create_file(data: Mapping[str, Any], intent: str, name: str, combination: Mapping[str, Any]) -> SentenceFile:
    """Return the content of a test file; `combination` is its entry in intents.yaml."""
    domains = frozenset(domain for found in combination.get("inferred_domains", {}).values() for domain in found)
    is_here = bool(combination.get("context_area"))
    sentences = [
        (text, ExpectedCommand(intent, _read_slots(group), _read_domains(group) or domains, is_here))
        for group in data["tests"]
        for text in group["sentences"]
    ]
    zones = {
        str(group["slots"]["state"])
        for group in data["tests"]
        if name == "name_zone" or ("state" in group.get("slots", {}) and _read_domains(group) == {"person"})
    }
    here = next((area["name"] for area in data.get("areas") or () if area.get("context_area")), ELSEWHERE)
    return SentenceFile(f"{intent} {name}", _create_home(data, zones - AT_HOME), here, sentences)


def _read_slots(group: Mapping[str, Any]) -> Mapping[str, Any]:
    slots = {slot: value for slot, value in (group.get("slots") or {}).items() if slot != "domain"}
    return {**slots, "state": [slots["state"], "home"]} if slots.get("state") in AT_HOME else slots


def _read_domains(group: Mapping[str, Any]) -> frozenset[str]:
    found = (group.get("slots") or {}).get("domain") or group.get("inferred_domain") or ()
    return frozenset((found,) if isinstance(found, str) else found)


def _create_home(data: Mapping[str, Any], zones: Set[str]) -> Home:
    """Create the home of a file, with the zones that are named in its sentences: the files have none."""
    floors = tuple(
        Floor(_create_id(one["name"]), one["name"], _find_forms(one["name"])) for one in data.get("floors") or ()
    )
    areas = tuple(map(_create_area, data.get("areas") or ()))
    entities = tuple(map(_create_entity, data.get("entities") or ()))
    return Home(areas, entities, floors, zones=tuple(map(Zone, sorted(zones))))


def _create_area(one: Mapping[str, Any]) -> Area:
    floor = _create_id(one["floor"]) if one.get("floor") else None
    return Area(_create_id(one["name"]), one["name"], _find_forms(one["name"]), floor)


def _create_entity(one: Mapping[str, Any]) -> Entity:
    kind = (one.get("attributes") or {}).get("device_class")
    area = _create_id(one["area"]) if one.get("area") else None
    entity = f"{one['domain']}.{_create_id(one['name'])}"
    return Entity(entity, one["name"], one["domain"], area, _find_forms(one["name"]), device_class=kind)


def _find_forms(name: str) -> tuple[str, ...]:
    """Return the forms of a name that some files write as a template: "Sekačk(a|u)"."""
    return tuple(sample_expression(parse_sentence(name).expression)) if set(name) & set("([|") else ()


def _create_id(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


def _sum_durations(slots: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return slots with their duration in seconds."""
    seconds = [int(slots[unit]) * length for unit, length in SECONDS.items() if unit in slots]
    others = {name: value for name, value in slots.items() if name not in SECONDS}
    return {**others, "seconds": sum(seconds)} if seconds else others


def _is_one_of(value: SlotValue | tuple[str, ...], expected: Any) -> bool:
    """Return whether a value, or one of its alternatives, is the expected one or one of several."""
    wanted = set(map(str, expected)) if isinstance(expected, list) else {str(expected)}
    found = set(value) if isinstance(value, tuple) else {str(value)}
    return not wanted.isdisjoint(found)


def _format(expected: ExpectedCommand) -> str:
    return f"{expected.intent} {dict(expected.slots)} {'/'.join(sorted(expected.domains))}".strip()


def _format_matches(matches: Matches) -> str:
    return " + ".join(f"{match.intent} {dict(match.slots)} {match.domain or ''}" for match in matches) or "nothing"


if __name__ == "__main__":
    main()
