"""Problems of the memory: why it does not work now, each logged and spoken of once. Does no I/O but the log."""

import structlog

_LOG = structlog.get_logger()
NOT_OPEN = "the memory is not open yet"


class MemoryProblems:
    """The present problems of the store and of the embedding model, as sentences; None while they work."""

    def __init__(self) -> None:
        self._store: str | None = NOT_OPEN
        self._unspoken: str | None = None
        self._embedding: str | None = None

    @property
    def store(self) -> str | None:
        """The reason why nothing is kept or found; NOT_OPEN at first."""
        return self._store

    @property
    def embedding(self) -> str | None:
        """The reason why memories are found by their words only."""
        return self._embedding

    def take_unspoken(self) -> str | None:
        """Return a problem of the store once, also if it is over by now."""
        problem, self._unspoken = self._unspoken, None
        return problem

    def note_store(self, problem: str | None) -> None:
        """Note why the store does not work, or that it does."""
        if problem is not None and not self._has_failed:
            _LOG.error("memory does not work", reason=problem)
            self._unspoken = problem
        elif problem is None and self._has_failed:
            _LOG.info("memory works again")
        self._store = problem

    def note_opening(self, notice: str | None) -> None:
        """Note what happened when the store was opened, unless its cause was spoken of already."""
        was_spoken = self._has_failed and self._unspoken is None
        if notice is not None and not was_spoken:
            self._unspoken = notice

    def note_embedding(self, problem: str | None) -> None:
        """Note why the embedding model does not work, or that it does."""
        if problem is not None and self._embedding is None:
            _LOG.warning("memories are found by their words only", reason=problem)
        self._embedding = problem

    @property
    def _has_failed(self) -> bool:
        return self._store not in {None, NOT_OPEN}
