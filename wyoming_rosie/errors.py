"""Errors, whose sentences say what to do."""


class RosieError(Exception):
    """Base of our errors; `code` goes on the wire (`error{text, code}`), `exit_status` is that of a program it ends."""

    code = "internal"
    exit_status = 1


class ConfigError(RosieError):
    """The operator must act: one line on stderr, exit status 1."""

    code = "config"


class UsageError(ConfigError):
    """The command line or a setting is wrong: a flag, a key, a value, or an unknown name. Another start would not help."""

    exit_status = 2


class NotUnderstoodError(RosieError):
    """A command worked and found nothing: no wake word, no text, no intent."""

    code = "not-understood"
    exit_status = 3


class EngineError(RosieError):
    """An engine failed; the peer gets the error."""

    code = "engine"


class UnreachableError(RosieError):
    """No Wyoming peer responds at an address, or it stopped responding."""

    code = "unreachable"


class BadEventError(RosieError):
    """The peer sent an invalid event, or one that is not valid now."""

    def __init__(self, text: str, code: str = "bad-event") -> None:
        super().__init__(text)
        self.code = code


class UntrustedPeerError(UnreachableError):
    """A peer has not proved that it belongs to the house, or has another role than the one that is wanted."""

    code = "untrusted"
