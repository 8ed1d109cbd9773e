"""Finite automata over words: the grammar that the decoder searches, and the test that a result is a whole sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Arcs: TypeAlias = tuple[tuple[str, int], ...]
"""(word, next state), in the order of the words."""
CLOSING_WORDS = frozenset({"please"})
"""Words that may follow a sentence and add nothing to it."""


class Nfa:
    """A nondeterministic automaton with epsilon transitions; state 0 is the start."""

    def __init__(self) -> None:
        self._transitions: list[list[tuple[str, int]]] = [[]]
        self._epsilon: list[list[int]] = [[]]

    def add_state(self) -> int:
        """Add a state and return its number."""
        self._transitions.append([])
        self._epsilon.append([])
        return len(self._transitions) - 1

    def add_path(self, source: int, words: Iterable[str]) -> int:
        """Add a path of new states for the words; return the last one."""
        for word in words:
            target = self.add_state()
            self._transitions[source].append((word, target))
            source = target
        return source

    def connect(self, source: int, target: int) -> None:
        """Add an epsilon transition."""
        self._epsilon[source].append(target)

    def epsilon_closure(self, states: Iterable[int]) -> frozenset[int]:
        """Return the states and all that epsilon transitions lead to."""
        reached = set(states)
        waiting = list(reached)
        while waiting:
            new = [target for target in self._epsilon[waiting.pop()] if target not in reached]
            reached.update(new)
            waiting += new
        return frozenset(reached)

    def next_states(self, states: Iterable[int]) -> dict[str, set[int]]:
        """Return the states that each word leads to from any of the states."""
        targets: dict[str, set[int]] = {}
        for state in states:
            for word, target in self._transitions[state]:
                targets.setdefault(word, set()).add(target)
        return targets


@dataclass(frozen=True)
class Automaton:
    """A minimal deterministic automaton of a finite set of sentences. A state's number is above those it leads to."""

    states: tuple[Arcs, ...]
    final: frozenset[int]
    start: int

    @property
    def words(self) -> frozenset[str]:
        return frozenset(word for arcs in self.states for word, _ in arcs)

    @cached_property
    def suffix_counts(self) -> tuple[int, ...]:
        """The number of ways to complete a sentence, for each state."""
        counts: list[int] = []
        for state, arcs in enumerate(self.states):
            counts.append((state in self.final) + sum(counts[target] for _, target in arcs))
        return tuple(counts)

    @property
    def sentence_count(self) -> int:
        """The number of sentences."""
        return self.suffix_counts[self.start]

    def accepts(self, words: Iterable[str]) -> bool:
        """Return whether the words are a whole sentence."""
        return self._find_state(words) in self.final

    def is_finished(self, words: Iterable[str]) -> bool:
        """Return whether the words are a whole sentence that nothing but a closing word can follow."""
        state = self._find_state(words)
        return (
            state is not None and state in self.final and all(word in CLOSING_WORDS for word, _ in self.states[state])
        )

    def _find_state(self, words: Iterable[str]) -> int | None:
        state = self.start
        for word in words:
            target = dict(self.states[state]).get(word)
            if target is None:
                return None
            state = target
        return state


def minimize(nfa: Nfa, end: int) -> Automaton:
    """Return the minimal automaton of the sentences from state 0 to `end`; `nfa` must have no cycles."""
    return _Minimizer(nfa, end).build()


class _Minimizer:
    """Subset construction that numbers states after their successors, so that equivalent states are merged at once."""

    def __init__(self, nfa: Nfa, end: int) -> None:
        self._nfa = nfa
        self._end = end
        self._states: list[Arcs] = []
        self._final: set[int] = set()
        self._number_of: dict[tuple[bool, Arcs], int] = {}
        self._numbers: dict[frozenset[int], int] = {}

    def build(self) -> Automaton:
        start = self._add_closure(self._nfa.epsilon_closure([0]))
        return Automaton(tuple(self._states), frozenset(self._final), start)

    def _add_closure(self, closure: frozenset[int]) -> int:
        if closure not in self._numbers:
            transitions = sorted(self._nfa.next_states(closure).items())
            arcs = tuple((word, self._add_closure(self._nfa.epsilon_closure(targets))) for word, targets in transitions)
            self._numbers[closure] = self._add_state(self._end in closure, arcs)
        return self._numbers[closure]

    def _add_state(self, is_final: bool, arcs: Arcs) -> int:
        number = self._number_of.setdefault((is_final, arcs), len(self._states))
        if number == len(self._states):
            self._states.append(arcs)
            if is_final:
                self._final.add(number)
        return number
