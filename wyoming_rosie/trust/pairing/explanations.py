"""Sentences about pairing that did not succeed, each with its next step."""

from collections.abc import Sequence

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UnreachableError, UsageError
from wyoming_rosie.trust.pairing.code import MAX_WRONG_TRIES, CodeEnd, Invitation
from wyoming_rosie.trust.pairing.exchange import RefusedError, WrongCodeError
from wyoming_rosie.trust.pairing.messages import Refusal, Refused

_AGAIN = "run `wyoming-rosie pair NAME` on the hub's machine again"
_REFUSALS = {
    Refusal.WRONG_CODE: f"the code is wrong; type it as the hub shows it: {MAX_WRONG_TRIES} wrong tries end it",
    Refusal.OVER: f"the code counts no longer: it was used, or it is too old, or somebody tried wrong ones; {_AGAIN}",
    Refusal.BUSY: f"the hub serves too many others now; {_AGAIN}",
    Refusal.VERSION: "the hub has another version of pairing; install the same version of wyoming-rosie on both machines",
    Refusal.FAILED: f"the hub could not make this program a member; its terminal says why. Then {_AGAIN}",
}
_CODE_ENDS = {
    CodeEnd.USED: "a program has joined with the code",
    CodeEnd.EXPIRED: "nobody has used the code in time; run this again, and type the code on the other machine",
    CodeEnd.GUESSED: (
        f"the code was tried wrong {MAX_WRONG_TRIES} times, so that it counts no longer; run this again. If nobody of yours"
        " typed it wrong, somebody on this network tries to join"
    ),
}


def explain(failures: Sequence[RosieError], invitation: Invitation, role: str) -> RosieError:
    """Return the error that tells why a program could not join, after a failure at each hub that it tried."""
    if not failures:
        return UnreachableError(
            f"no hub on this network shows a code that begins with {invitation.code.nameplate}; is `wyoming-rosie pair` still"
            " running there? Where announcements do not arrive, add the hub's address: CODE@HOST"
        )
    worst = max(failures, key=_rank)
    if isinstance(worst, RefusedError):
        is_code_wrong = worst.refused.reason in (Refusal.WRONG_CODE, Refusal.OVER, Refusal.ROLE)
        return (UsageError if is_code_wrong else ConfigError)(_explain_refusal(worst.refused, role))
    if isinstance(worst, WrongCodeError):
        return UsageError(
            "what answers there does not know the code: it is wrong, or somebody poses as the hub; look at the code, and give"
            " the hub's address: CODE@HOST"
        )
    if isinstance(worst, BadEventError):
        return UnreachableError(f"what answers there is no hub that pairs: {worst}; look at the address")
    return UnreachableError(f"pairing failed: {worst}; is `wyoming-rosie pair` still running at the hub?")


def explain_end(end: CodeEnd) -> str:
    """Return the sentence for the terminal where the code was shown."""
    return _CODE_ENDS[end]


def _rank(failure: RosieError) -> int:
    """Return how much a failure says about the hub that was meant, which strangers may stand beside."""
    match failure:
        case RefusedError(refused=Refused(reason=Refusal.ROLE | Refusal.FAILED)):
            return 3  # only a hub with the code can send it
        case RefusedError(refused=Refused(reason=Refusal.WRONG_CODE | Refusal.OVER)):
            return 2
        case RefusedError() | WrongCodeError():
            return 1
    return 0


def _explain_refusal(refused: Refused, role: str) -> str:
    if refused.reason is Refusal.ROLE:
        return f"the code is for a program of the role {refused.role}, and this one is {role}; use it there, or {_AGAIN} with --role {role}"
    return _REFUSALS[refused.reason]
