"""Failures of services during commands: the line of the log, with the next step for whoever looks after the house."""

from collections.abc import Mapping

import structlog

from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure

_LOG = structlog.get_logger()
NEXT_STEPS: Mapping[HttpFailure, str] = {
    HttpFailure.UNREACHABLE: "see whether the service runs and the url is right; the next command tries it again",
    HttpFailure.TIMEOUT: "see whether the service is busy or its network slow; the next command tries it again",
    HttpFailure.UNAUTHORIZED: "sign in again, or put a new token or password into the file that the settings name",
    HttpFailure.FORBIDDEN: "give the account the right to it, at the service",
    HttpFailure.NOT_FOUND: "see whether the url is right; what was meant may have been deleted at the service",
    HttpFailure.CONFLICT: "ask again: somebody else has changed it at the service",
    HttpFailure.GONE: "ask again: it was deleted at the service",
    HttpFailure.BUSY: "ask less often, or raise the limit at the service; the next command tries it again",
    HttpFailure.REFUSED: "see whether the url is right, and the version of the service one that docs name",
    HttpFailure.FAILED: "read the log of the service; the next command tries it again",
    HttpFailure.INVALID: "see whether the url is the service's own, and not that of a login page before it",
}


def log_failure(service: str, intent: str, error: HttpError) -> None:
    """Log a command that failed at its service, once, without its content."""
    _LOG.warning(
        "a service failed",
        service=service,
        intent=intent,
        failure=error.failure,
        reason=str(error),
        next=NEXT_STEPS[error.failure],
    )
