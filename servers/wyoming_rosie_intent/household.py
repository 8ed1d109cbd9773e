"""The home, who acts on it, and what is done there only after a yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wyoming_rosie.home import Home
from wyoming_rosie_intent import answers, targets
from wyoming_rosie_intent.engine import Actor, Answer, Command, Match


@dataclass(frozen=True)
class Plan:
    """What is to be done at once, what is asked about first, and what cannot be, in words."""

    commands: tuple[Command, ...] = ()
    asked: tuple[Command, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deed:
    """What was done, in words."""

    text: str
    done: bool
    matches: tuple[Match, ...] = ()


class Household:
    """One home; without an actor nothing can be done in it."""

    def __init__(self, home: Home, actor: Actor | None, confirm: frozenset[str] = frozenset()) -> None:
        self.home = home
        self._actor = actor
        self._confirm = confirm

    @property
    def acts(self) -> bool:
        return self._actor is not None

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return what is known of each entity, by its id."""
        return self._actor.states() if self._actor else {}

    def plan(self, matches: Sequence[Match], area: str | None) -> Plan:
        """Find what was meant, said in an area (its id or name)."""
        found = [(match, targets.find(self.home, match, area)) for match in matches]
        commands = tuple(Command(match, things) for match, things in found if not isinstance(things, Answer))
        asked = tuple(command for command in commands if self._needs_yes(command))
        refusals = tuple(things.text for _, things in found if isinstance(things, Answer))
        return Plan(tuple(command for command in commands if command not in asked), asked, refusals)

    async def carry_out(self, commands: Sequence[Command], moment: datetime) -> Deed:
        """Do what was planned, or what was answered with yes; the moment is that of the wall clock."""
        if self._actor is None:
            return Deed(answers.CANNOT, done=False)
        said = [await self._actor.act(command, moment) for command in commands]
        text = " ".join(answer.text for answer in said)
        return Deed(text, any(answer.done for answer in said), tuple(command.match for command in commands))

    def _needs_yes(self, command: Command) -> bool:
        return command.match.intent != "HassGetState" and any(
            entity.domain in self._confirm for entity in command.targets
        )
