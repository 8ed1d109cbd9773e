"""What can go wrong, as sentences that tell someone what to do."""


class RosieError(Exception):
    """Root of our errors; `code` names it on the wire (`error{text, code}`), `exit_status` is that of a program it ends."""

    code = "internal"
    exit_status = 1


class ConfigError(RosieError):
    """The operator must act: one line on stderr, exit status 1."""

    code = "config"


class UsageError(ConfigError):
    """The command line is wrong: a flag, a value, or a name that nothing has."""

    exit_status = 2


class NotUnderstoodError(RosieError):
    """A command worked and found nothing: no wake word, no text, no intent."""

    code = "not-understood"
    exit_status = 3


class EngineError(RosieError):
    """An engine could not do its work; the peer is told."""

    code = "engine"


class UnreachableError(RosieError):
    """No Wyoming peer answers at an address, or it stopped answering."""

    code = "unreachable"


class BadEventError(RosieError):
    """The peer sent something that is not a legal event, or one that makes no sense here."""

    def __init__(self, text: str, code: str = "bad-event") -> None:
        super().__init__(text)
        self.code = code
