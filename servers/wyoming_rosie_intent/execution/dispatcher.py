"""Dispatcher: has the commands of a sentence executed by the actor, by the conductor, or by what keeps alarms here."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor, Handled, NotHandled, Outcome
from wyoming_rosie_intent.context import undo
from wyoming_rosie_intent.context.last_turn import LastTurn
from wyoming_rosie_intent.context.recorder import TurnRecorder
from wyoming_rosie_intent.engine import OWN_SLOTS, Answer, Command, Match
from wyoming_rosie_intent.execution import outcomes, presence, targets
from wyoming_rosie_intent.execution.deferral import DeferredPlan, delegate_deferred
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan, PendingCommand
from wyoming_rosie_intent.execution.policy import is_conductor_intent, is_query_intent
from wyoming_rosie_intent.execution.satellite_alarms import SatelliteAlarms
from wyoming_rosie_intent.plugins.conversation import PluginConversations
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import alarms
from wyoming_rosie_intent.rules.alarms import EVENT_SLOT, MORE_SLOT
from wyoming_rosie_intent.rules.durations import COMMAND_SLOT

Commands: TypeAlias = tuple[Command, ...]
Matches: TypeAlias = tuple[Match, ...]
ParseCommands: TypeAlias = Callable[[str, ConversationInput], Awaitable[Matches]]
"""Returns the commands in a text that a sentence contains."""


class IntentDispatcher:
    """Dispatches the commands of one home. Without an actor, all of them are delegated to the conductor.

    With a language model, it leaves to that the commands whose targets the home does not have.
    """

    def __init__(
        self,
        executor: ActionExecutor,
        recorder: TurnRecorder,
        parse: ParseCommands,
        satellite_alarms: SatelliteAlarms | None = None,
        plugins: PluginConversations | None = None,
        *,
        has_model: bool = False,
    ) -> None:
        self._executor = executor
        self._recorder = recorder
        self._parse = parse
        self._satellite_alarms = satellite_alarms
        self._plugins = plugins
        self._has_model = has_model

    async def dispatch(
        self, user_input: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        """Have the commands of a sentence executed; None leaves them to a language model."""
        timed = alarms.resolve(matches, moment)
        if timed is None:
            return _refuse("no_such_time", matches)
        if any(EVENT_SLOT in match.slots for match in timed):
            return await self._remind_of_arrival(user_input, timed, now)
        delegated = [match for match in timed if self._is_delegated(user_input, timed, match)]
        if not delegated:
            return await self._execute(user_input, timed, moment, now)
        if len(delegated) < len(timed):
            return _refuse("one_at_a_time", timed)
        return await self._delegate(user_input, timed, moment, now)

    async def dispatch_confirmed(
        self, user_input: ConversationInput, action: Commands | DelegateToConductor, moment: datetime, now: float
    ) -> Outcome:
        """Have executed what the reply to a question confirmed, or chose, which may need a confirmation yet."""
        if refusals := await self._get_confirmation_refusals(user_input, action):
            return self._refuse_confirmation(user_input, refusals, now)
        if isinstance(action, DelegateToConductor):
            return action
        matches = tuple(command.match for command in action)
        if not all(isinstance(command, PendingCommand) for command in action):
            plan = self._executor.plan_commands(action, user_input.area, user_input.speaker)
            return await self._execute_plan(user_input, plan, matches, moment, now)
        self._recorder.record_commands(user_input, action, now)
        answer = await self._executor.execute(action, moment)
        return (Handled if answer.done else NotHandled)(answer.text, matches)

    async def undo(self, user_input: ConversationInput, last: LastTurn, moment: datetime, now: float) -> Outcome:
        """Put the changes of the last turn back."""
        language = user_input.language or "en"
        self._recorder.forget_changes(user_input, now)
        if not last.undo:
            return NotHandled(responses.render_not_undone(undo.find_unknown(last.commands), language))
        if any(is_conductor_intent(command.match) for command in last.undo):
            return await self._hand_over(user_input, tuple(command.match for command in last.undo))
        plan = self._executor.plan_commands(last.undo, user_input.area, user_input.speaker)
        answers = await self._executor.execute_each(plan.commands, moment)
        done = [command for command, answer in zip(plan.commands, answers, strict=True) if answer.done]
        texts = [answer.text for answer in answers if not answer.done] + list(plan.error_messages)
        if done:
            restored = dict.fromkeys(entity for command in done for entity in command.targets)
            texts.insert(0, responses.render_undone(tuple(restored), language))
        return outcomes.create_outcome(plan, texts, tuple(command.match for command in done), done=bool(done))

    def silence_alarms(self, user_input: ConversationInput) -> None:
        """Stop the ringing of a satellite at which somebody speaks."""
        if self._satellite_alarms is not None:
            self._satellite_alarms.silence(user_input.satellite)

    async def answer_alarm_question(self, user_input: ConversationInput, language: str) -> Outcome | None:
        """Answer the reply to the question which alarm is meant; None if there was none."""
        if self._satellite_alarms is None or not user_input.allow_tools:
            return None
        answer = await self._satellite_alarms.answer_question(user_input.text, user_input.satellite, language)
        return None if answer is None else outcomes.create_alarm_outcome([answer], ())

    async def _execute(
        self, user_input: ConversationInput, matches: Matches, moment: datetime, now: float
    ) -> Outcome | None:
        """Execute what needs no confirmation, then ask about the rest; None, for a model, if no entity is meant."""
        plan = self._executor.plan(matches, user_input.area, user_input.speaker)
        if self._has_model and not plan.has_targets:
            return None
        return await self._execute_plan(user_input, plan.confirm(user_input.confirmed), matches, moment, now)

    async def _execute_plan(
        self, user_input: ConversationInput, plan: ActionPlan, matches: Matches, moment: datetime, now: float
    ) -> Outcome:
        self._recorder.record_commands(user_input, plan.commands or tuple(map(Command, matches)), now)
        answer = await self._executor.execute(plan.commands, moment)
        texts = [text for text in (answer.text, *plan.error_messages) if text]
        return outcomes.create_outcome(plan, texts, matches, done=answer.done)

    def _is_delegated(self, user_input: ConversationInput, matches: Matches, match: Match) -> bool:
        """Return whether the conductor is to execute a command of a sentence."""
        wants_all = user_input.delegates and not all(is_query_intent(one.intent) for one in matches)
        return wants_all or not self._executor.has_actor or is_conductor_intent(match)

    async def _delegate(self, user_input: ConversationInput, matches: Matches, moment: datetime, now: float) -> Outcome:
        """Delegate commands to the conductor, unless something has to be said first."""
        if any(map(targets.needs_area, matches)):
            return _refuse("which_room", matches)
        if not all(OWN_SLOTS.isdisjoint(match.slots) for match in matches):
            return _refuse("cannot", matches)
        if any(map(self._executor.asks_before, matches)):
            return outcomes.ask_before_delegating(matches)
        deferred = await self._parse_deferred(user_input, matches)
        if deferred and self._executor.has_actor:
            return delegate_deferred(matches, [self._plan_deferred(user_input, *one) for one in deferred])
        if refusals := self._get_refusals(user_input, matches, deferred):
            return NotHandled(" ".join(refusals), matches)
        self._recorder.record_commands(user_input, tuple(map(Command, matches)), now)
        outcome = await self._hand_over(user_input, matches)
        return await self._plugins.add_remarks(user_input, outcome, matches, moment) if self._plugins else outcome

    async def _parse_deferred(self, user_input: ConversationInput, matches: Matches) -> Sequence[tuple[Match, Matches]]:
        """Return the matches that defer a command, with the matches of that command."""
        return [
            (match, await self._parse(str(match.slots[COMMAND_SLOT]), user_input))
            for match in matches
            if COMMAND_SLOT in match.slots
        ]

    def _plan_deferred(self, user_input: ConversationInput, match: Match, commands: Matches) -> DeferredPlan:
        local = [command for command in self._executor.resolve(commands) if not is_conductor_intent(command)]
        return DeferredPlan(match, self._executor.plan(local, user_input.area, user_input.speaker))

    def _get_refusals(
        self, user_input: ConversationInput, matches: Matches, deferred: Sequence[tuple[Match, Matches]]
    ) -> Sequence[str]:
        """Return why the speaker may not give commands to the conductor, and those that they defer."""
        all_matches = (*matches, *(match for _, commands in deferred for match in commands))
        return self._executor.get_refusals(all_matches, user_input.area, user_input.speaker)

    async def _get_confirmation_refusals(
        self, user_input: ConversationInput, action: Commands | DelegateToConductor
    ) -> Sequence[str]:
        """Return why whoever confirms an action may not: it needs the rights of that person, too."""
        if isinstance(action, DelegateToConductor):
            deferred = await self._parse_deferred(user_input, action.matches)
            return self._get_refusals(user_input, action.matches, deferred)
        confirmed = [command for command in action if isinstance(command, PendingCommand)]
        return self._executor.get_command_refusals(confirmed, user_input.area, user_input.speaker)

    def _refuse_confirmation(
        self, user_input: ConversationInput, refusals: Sequence[str], now: float
    ) -> Handled | NotHandled:
        """Refuse a yes; a voice that may only have been too short to be known is asked for more words."""
        text = " ".join(refusals)
        if user_input.speaker is None and self._recorder.repeat_question(user_input, now):
            longer = responses.render("confirm_with_more_words", user_input.language or "en")
            return Handled(f"{text} {longer}", expects_reply=True)
        return NotHandled(text)

    async def _remind_of_arrival(self, user_input: ConversationInput, matches: Matches, now: float) -> Outcome:
        """Have the conductor remind when somebody comes home or leaves, or say what is missing for that."""
        if len(matches) > 1:
            return _refuse("one_at_a_time", matches)
        can_remind = user_input.reminds_of_arrivals or self._find_alarms(user_input) is not None
        if not can_remind or not self._executor.has_actor:
            return _refuse("no_arrivals", matches)
        resolved = presence.resolve(matches[0], self._executor.home, self._executor.states(), user_input.speaker)
        if isinstance(resolved, Answer):
            return NotHandled(resolved.text, matches)
        self._recorder.record_commands(user_input, (Command(resolved),), now)
        return await self._hand_over(user_input, (resolved,))

    async def _hand_over(self, user_input: ConversationInput, matches: Matches) -> Outcome:
        """Leave commands to the conductor, but carry out here what is about alarms that are kept here."""
        service, satellite = self._find_alarms(user_input), user_input.satellite
        if service is None or satellite is None or not all(map(_is_about_alarms, matches)):
            return DelegateToConductor(matches)
        if not service.has_rung(satellite) and all(MORE_SLOT in match.slots for match in matches):
            return DelegateToConductor(tuple(map(alarms.prolong, matches)))
        answers = [await service.execute(match, satellite, user_input.area) for match in matches]
        return outcomes.create_alarm_outcome([answer for answer in answers if answer is not None], matches)

    def _find_alarms(self, user_input: ConversationInput) -> SatelliteAlarms | None:
        """Return what keeps the alarms of the speaker's satellite; None if its conductor does."""
        service = self._satellite_alarms
        return service if service is not None and service.serves(user_input.satellite) else None


def _refuse(phrase: str, matches: Matches) -> NotHandled:
    return NotHandled(responses.render(phrase, matches[0].language), matches)


def _is_about_alarms(match: Match) -> bool:
    return not match.slots.keys().isdisjoint({"alarm", "kind"})
