"""Deferred commands, which the conductor keeps until their time: what they do, and what has to be clear now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_rosie_intent.answer import DeferredCommand, DelegateToConductor, Handled, NotHandled
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.execution.executor import ActionPlan, get_target_ids
from wyoming_rosie_intent.execution.outcomes import ask_to_delegate
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import durations
from wyoming_rosie_intent.rules.durations import COMMAND_SLOT


@dataclass(frozen=True)
class DeferredPlan:
    """A match that defers a command, and the plan of that command."""

    match: Match
    plan: ActionPlan

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it cannot be deferred; a question at its time would be heard by nobody."""
        questions = (self.plan.choice.question,) if self.plan.choice else ()
        return (*self.plan.error_messages, *questions)

    def create_command(self) -> DeferredCommand:
        """Return what the conductor keeps."""
        commands = (*self.plan.commands, *self.plan.needs_confirmation)
        label = responses.format_commands(commands) or str(self.match.slots[COMMAND_SLOT])
        return DeferredCommand(label, get_target_ids(self.plan.needs_confirmation))

    def render_question(self) -> str:
        """Return the question whether to execute at its time what is dangerous; empty if nothing is."""
        if not self.plan.needs_confirmation:
            return ""
        return responses.render_question(self.plan.needs_confirmation, durations.total_seconds(self.match.slots))


def delegate_deferred(
    matches: tuple[Match, ...], deferred: Sequence[DeferredPlan]
) -> NotHandled | Handled | DelegateToConductor:
    """Delegate deferred commands to the conductor; refusals and questions are due now, not at their time."""
    if refusals := [text for one in deferred for text in one.refusals]:
        return NotHandled(" ".join(refusals), matches)
    outcome = DelegateToConductor(matches, tuple(one.create_command() for one in deferred))
    text = " ".join(filter(None, (one.render_question() for one in deferred)))
    return ask_to_delegate(text, outcome) if text else outcome
