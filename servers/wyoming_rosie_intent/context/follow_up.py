"""Sentences that refer to the last turn: "turn it off", "and the bedroom too", "no, the other one", "undo that", "again".

Rules of text, without a clock. The words are those of the table [follow_up] of a language.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.context.last_turn import LastTurn
from wyoming_rosie_intent.engine import TARGET_SLOTS, AreaScope, Command, Match
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.execution.confirmation import normalize_reply
from wyoming_rosie_intent.execution.policy import is_query_intent
from wyoming_rosie_intent.rules import todo_lists
from wyoming_rosie_intent.rules.templates import load_custom_sentences

Recognize: TypeAlias = Callable[[str], Match | None]
Words: TypeAlias = tuple[str, ...]
MAX_LANGUAGES = 16
"""Languages whose words stay loaded."""
_MAX_ITEM_WORDS = 5
_STEP_SUFFIX = "_step"
"""Slots with this ending hold a relative value."""
_OPPOSITE_STEPS = {"up": "down", "down": "up"}


@dataclass(frozen=True)
class FollowUpWords:
    """The words of one language. `beginnings` and `ends` surround another target, `corrections` begin one."""

    pronouns: frozenset[str] = frozenset()
    forms: Mapping[str, str] = field(default_factory=dict)  # a verb with its pronoun, and the verb
    beginnings: tuple[Words, ...] = ()
    ends: tuple[Words, ...] = ()
    corrections: tuple[Words, ...] = ()
    others: frozenset[Words] = frozenset()
    small: frozenset[str] = frozenset()  # before a target
    again: frozenset[Words] = frozenset()
    more: frozenset[Words] = frozenset()
    less: frozenset[Words] = frozenset()
    undo: frozenset[Words] = frozenset()
    say_again: frozenset[Words] = frozenset()
    polite: frozenset[Words] = frozenset()
    no_item: frozenset[str] = frozenset()
    here: frozenset[str] = frozenset()
    probe: str = ""  # a command for any target, as "turn on {target}"


@dataclass(frozen=True)
class FollowUp:
    """What a sentence about the last turn means."""

    matches: tuple[Match, ...] = ()
    undoes: bool = False  # the last changes are put back, before anything else
    repeats_answer: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Whether it only asks, so that it may be answered where nothing may be executed."""
        return not self.undoes and all(is_query_intent(match.intent) for match in self.matches)


@lru_cache(MAX_LANGUAGES)
def load_words(language: str) -> FollowUpWords:
    """Return the words of a language; none for one without a table."""
    table = load_custom_sentences(language).get("follow_up", {})

    def phrases(key: str) -> tuple[Words, ...]:
        return _split_phrases(table.get(key, ()))

    return FollowUpWords(
        pronouns=frozenset(table.get("pronouns", ())),
        forms={form: verb for verb, forms in table.get("forms", {}).items() for form in forms},
        beginnings=phrases("beginnings"),
        ends=phrases("ends"),
        corrections=phrases("corrections"),
        others=frozenset(phrases("others")),
        small=frozenset(table.get("small", ())),
        again=frozenset(phrases("again")),
        more=frozenset(phrases("more")),
        less=frozenset(phrases("less")),
        undo=frozenset(phrases("undo")),
        say_again=frozenset(phrases("say_again")),
        polite=frozenset(_split_phrases(load_custom_sentences(language).get("courtesies", ()))),
        no_item=frozenset(load_custom_sentences(language).get("nearly", {}).get("never", ())),
        here=frozenset(table.get("here", ())),
        probe=table.get("probe", ""),
    )


def parse_follow_up(
    text: str, last: LastTurn, home: Home, words: FollowUpWords, recognize: Recognize
) -> FollowUp | None:
    """Return what a sentence means after the last turn; None if it does not refer to it."""
    whole = tuple(normalize_reply(text).split())
    said = _remove_polite(whole, words.polite)
    if not said:
        return None
    if not words.say_again.isdisjoint((whole, said)):
        return FollowUp(repeats_answer=True) if last.answer else None
    if said in words.undo:
        return FollowUp(undoes=True) if last.has_acted else None
    if not last.commands:
        return None
    matches = tuple(command.match for command in last.commands)
    if said in words.again:
        return FollowUp(matches)
    if said in words.more | words.less:
        return _continue_step(matches, is_less=said in words.less)
    parser = _Parser(last.commands, home, words, recognize)
    return parser.correct(said) or parser.extend(said) or parser.replace_pronoun(said, text)


def refer_back(match: Match, text: str, last: LastTurn, home: Home, words: FollowUpWords) -> tuple[Match, ...]:
    """Return a command that names no target for the last ones of its kind: "make it brighter", "brighter"; else the command.

    "Here" means the room, "the other lights" those beside the last ones.
    """
    said = frozenset(normalize_reply(text).split())
    if "except_area" in match.slots and any(said.issuperset(phrase) for phrase in words.others):
        return (_except_last(match, last, home),)
    is_open = match.area_scope in {AreaScope.HERE, AreaScope.UNKNOWN} and "name" not in match.slots
    refers = not said.isdisjoint(words.pronouns) or _is_relative(match)
    kind = match.domain or targets.infer_domain(match.intent)
    commands = [
        command
        for command in last.commands
        if command.targets and {entity.domain for entity in command.targets} == {kind}
    ]
    if not (is_open and refers and commands) or not said.isdisjoint(words.here):
        return (match,)
    return tuple(_with_targets(match, command) for command in commands)


def _except_last(match: Match, last: LastTurn, home: Home) -> Match:
    """Return a command for the other lights as one for those beside the last ones: of their room, else of the home."""
    used = [entity for command in last.commands for entity in command.targets if entity.domain == match.domain]
    if not used:
        return match
    areas = {entity.area for entity in used}
    near = [one for one in home.entities if one.domain == match.domain and one.area in areas and one not in used]
    slots = {slot: value for slot, value in match.slots.items() if slot != "except_area"}
    slots["except_name"] = tuple(entity.name for entity in used)
    if near and len(areas) == 1 and near[0].area is not None:
        return replace(match, slots={**slots, "area": near[0].area}, area_scope=AreaScope.NAMED)
    return replace(match, slots=slots, area_scope=AreaScope.ANYWHERE)


def _continue_step(matches: Sequence[Match], *, is_less: bool) -> FollowUp | None:
    """Return the last relative change again, or back."""
    if not all(map(_is_relative, matches)):
        return None
    return FollowUp(tuple(map(_reverse, matches)) if is_less else tuple(matches))


def _is_relative(match: Match) -> bool:
    return any(slot.endswith(_STEP_SUFFIX) for slot in match.slots)


def _reverse(match: Match) -> Match:
    slots = dict(match.slots)
    for slot, value in match.slots.items():
        if slot.endswith(_STEP_SUFFIX):
            slots[slot] = -value if isinstance(value, (int, float)) else _OPPOSITE_STEPS.get(str(value), value)
    return replace(match, slots=slots)


@dataclass(frozen=True)
class _Parser:
    last: Sequence[Command]
    home: Home
    words: FollowUpWords
    recognize: Recognize

    def correct(self, said: Words) -> FollowUp | None:
        """Parse "no, the lamp": the last command was for another target."""
        rest = _remove_start(said, self.words.corrections)
        found = self._retarget(self._without_ends(rest)) if rest else None
        return FollowUp(found, undoes=True) if found else None

    def extend(self, said: Words) -> FollowUp | None:
        """Parse "and the bedroom too": the last command for another target as well."""
        rest = self._without_ends(_remove_start(said, self.words.beginnings) or said)
        if rest == said and self._without_small(rest) not in self.words.others:
            return None
        if found := self._retarget(rest) or self._add_item(rest):
            return FollowUp(found)
        return self.replace_pronoun(rest, " ".join(rest))

    def replace_pronoun(self, said: Words, text: str) -> FollowUp | None:
        """Parse a command with a pronoun for the last targets, which keep the words that they were named by."""
        found = [match for command in self.last if (match := self._command_for(said, command)) is not None]
        distinct = [match for at, match in enumerate(found) if match not in found[:at]]
        return FollowUp(tuple(replace(match, text=text) for match in distinct)) if distinct else None

    def _command_for(self, said: Words, command: Command) -> Match | None:
        name = command.targets[0].name if command.targets else command.match.slot_text("name")
        if name is None:
            return None
        for sentence in self._replace_pronouns(said, name):
            match = self.recognize(sentence)
            if match is not None and _names(match, name, command.targets):
                return _with_targets(match, command)
        return None

    def _replace_pronouns(self, said: Words, name: str) -> Iterator[str]:
        for at, word in enumerate(said):
            if word in self.words.pronouns:
                yield " ".join((*said[:at], name, *said[at + 1 :]))
            elif word in self.words.forms:
                yield " ".join((*said[:at], self.words.forms[word], name, *said[at + 1 :]))

    def _retarget(self, target: Words) -> tuple[Match, ...]:
        """Return the last commands for another target; none if it is not known."""
        plain = self._without_small(target)
        if not plain:
            return ()
        if plain in self.words.others:
            return self._for_others()
        name = " ".join(plain)
        command = self.last[0]
        if (area := self.home.get_area(name)) is not None:
            return (_for_place(command, "area", area.name),)
        if (floor := self.home.get_floor(name)) is not None:
            return (_for_place(command, "floor", floor.name),)
        if entities := self.home.find_by_name(name) or self._find_similar(plain, command):
            return tuple(_for_entity(command.match, entity) for entity in entities[:1])
        return self._probe(" ".join(target), command)

    def _probe(self, target: str, command: Command) -> tuple[Match, ...]:
        """Let the templates find out what the target is."""
        match = self.recognize(self.words.probe.format(target=target)) if self.words.probe else None
        if match is None or TARGET_SLOTS.isdisjoint(match.slots):
            return ()
        return (_with_targets(command.match, Command(match)),)

    def _add_item(self, rest: Words) -> tuple[Match, ...]:
        """Return the last addition to a list with another item; words of questions and reports are none."""
        match = self.last[0].match
        is_short = len(rest) <= _MAX_ITEM_WORDS and bool(self.words.no_item) and self.words.no_item.isdisjoint(rest)
        if not is_short or not todo_lists.is_add_intent(match):
            return ()
        return (todo_lists.with_item(match, " ".join(rest)),)

    def _find_similar(self, words: Words, command: Command) -> tuple[Entity, ...]:
        """Return the only entity of the last kind that the words may name, in the room if there is one."""
        if not command.targets:
            return ()
        kind, areas = command.targets[0].domain, {entity.area for entity in command.targets}
        found = [
            entity
            for entity in self.home.entities
            if entity.domain == kind
            and entity not in command.targets
            and any(set(words) <= set(normalize_reply(name).split()) for name in entity.names)
        ]
        near = [entity for entity in found if entity.area in areas] or found
        return (near[0],) if len(near) == 1 else ()

    def _for_others(self) -> tuple[Match, ...]:
        """Return the last command for the entities of its kind in its room, else of its name, that it did not target."""
        used = [entity for command in self.last for entity in command.targets]
        kinds = {(entity.domain, entity.area) for entity in used}
        rest = [entity for entity in self.home.entities if entity not in used]
        near = [entity for entity in rest if (entity.domain, entity.area) in kinds]
        others = near or [entity for target in used for entity in self.home.find_by_name(target.name) if entity in rest]
        return tuple(_for_entity(self.last[0].match, entity) for entity in others)

    def _without_ends(self, said: Words) -> Words:
        for end in self.words.ends:
            if len(said) > len(end) and said[-len(end) :] == end:
                return said[: -len(end)]
        return said

    def _without_small(self, said: Words) -> Words:
        while said and said[0] in self.words.small:
            said = said[1:]
        return said


def _for_place(command: Command, kind: str, name: str) -> Match:
    """Return a command for all targets of its kind in an area or on a floor."""
    match = command.match
    slots = {slot: value for slot, value in match.slots.items() if slot not in {"name", "area", "floor"}}
    domain = match.domain
    if "name" in match.slots and command.targets:
        entity = command.targets[0]
        domain = entity.domain
        if entity.device_class is not None and entity.domain in {"cover", "binary_sensor", "sensor"}:
            slots["device_class"] = entity.device_class
    scope = AreaScope.NAMED if kind == "area" else AreaScope.ANYWHERE
    return replace(match, slots={**slots, kind: name}, domain=domain, area_scope=scope, mentioned_area=None)


def _for_entity(match: Match, entity: Entity) -> Match:
    slots = {slot: value for slot, value in match.slots.items() if slot not in TARGET_SLOTS}
    target = {"name": entity.name} | ({"area": entity.area} if entity.area else {})
    scope = AreaScope.NAMED if entity.area else AreaScope.ANYWHERE
    return replace(match, slots={**slots, **target}, domain=entity.domain, area_scope=scope, mentioned_area=None)


def _with_targets(match: Match, command: Command) -> Match:
    """Return a match for the targets of another one."""
    other = command.match
    values = {slot: value for slot, value in match.slots.items() if slot not in TARGET_SLOTS}
    target = {slot: value for slot, value in other.slots.items() if slot in TARGET_SLOTS}
    domain = other.domain or (command.targets[0].domain if command.targets else None)
    return replace(
        match,
        slots={**target, **values},
        domain=domain,
        area_scope=other.area_scope,
        mentioned_area=other.mentioned_area,
    )


def _names(match: Match, name: str, entities: Sequence[Entity]) -> bool:
    """Return whether a match is about the entity that replaced the pronoun."""
    named = (match.slot_text("name") or "").casefold()
    names = {name.casefold(), *(one.casefold() for entity in entities[:1] for one in (entity.id, *entity.names))}
    return named in names


def _remove_start(said: Words, beginnings: Sequence[Words]) -> Words:
    """Return the words after the longest beginning; none if there is no beginning."""
    found = [beginning for beginning in beginnings if said[: len(beginning)] == beginning]
    return said[max(map(len, found)) :] if found else ()


def _remove_polite(said: Words, polite: frozenset[Words]) -> Words:
    for phrase in sorted(polite, key=len, reverse=True):
        if len(said) > len(phrase) and said[-len(phrase) :] == phrase:
            said = said[: -len(phrase)]
        if len(said) > len(phrase) and said[: len(phrase)] == phrase:
            said = said[len(phrase) :]
    return said


def _split_phrases(texts: Sequence[str]) -> tuple[Words, ...]:
    found = (tuple(normalize_reply(text).split()) for text in texts)
    return tuple(sorted(found, key=len, reverse=True))
