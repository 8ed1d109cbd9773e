"""Outcomes of commands, from what was planned and what was answered to each. Pure."""

from collections.abc import Sequence

from wyoming_rosie.timers.requests import SpokenAnswer
from wyoming_rosie_intent.answer import DelegateToConductor, Handled, NotHandled, PendingQuestion
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.execution.executor import ActionPlan
from wyoming_rosie_intent.responses import responses


def create_outcome(
    plan: ActionPlan, texts: Sequence[str], matches: tuple[Match, ...], *, done: bool
) -> Handled | NotHandled:
    """Return what was done as text, followed by the plan's question if it has one."""
    if question := _create_question(plan):
        return Handled(" ".join((*texts, question.text)), matches, expects_reply=True, question=question)
    return (Handled if done else NotHandled)(" ".join(texts), matches)


def create_alarm_outcome(answers: Sequence[SpokenAnswer], matches: tuple[Match, ...]) -> Handled | NotHandled:
    """Return the answers about alarms as one outcome."""
    text = " ".join(answer.text for answer in answers)
    if not all(answer.succeeded for answer in answers):
        return NotHandled(text, matches)
    return Handled(text, matches, expects_reply=any(answer.expects_reply for answer in answers))


def ask_before_delegating(matches: tuple[Match, ...]) -> Handled:
    """Return the question whether the conductor is to execute commands."""
    text = responses.render_question(map(Command, matches))
    return ask_to_delegate(text, DelegateToConductor(matches))


def ask_to_delegate(text: str, delegated: DelegateToConductor) -> Handled:
    """Return a question whose yes leaves commands to the conductor."""
    question = PendingQuestion(text, delegated)
    return Handled(text, delegated.matches, expects_reply=True, question=question)


def _create_question(plan: ActionPlan) -> PendingQuestion | None:
    """Return the question of a plan: whether to execute its dangerous commands, or which of several entities is meant."""
    if plan.needs_confirmation:
        return PendingQuestion(responses.render_question(plan.needs_confirmation), plan.needs_confirmation)
    if plan.choice:
        return PendingQuestion(plan.choice.question, options=plan.choice.options)
    return None
