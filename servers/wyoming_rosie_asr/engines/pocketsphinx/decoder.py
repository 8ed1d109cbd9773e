"""pocketsphinx decoder for the sentences of a grammar. It holds the interpreter's lock, so it belongs in a child process."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from wyoming_rosie.audio.alignment import END_SILENCE, AlignedSegment, compute_score, read_segments
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.engines.pocketsphinx import tokens
from wyoming_rosie_asr.engines.pocketsphinx.automaton import Automaton
from wyoming_rosie_asr.engines.pocketsphinx.pronunciation import Lexicon

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_SENTENCES, _PHONES = "sentences", "phones"
"""The two searches: for a sentence of the grammar, and for any sequence of phones."""
_BETTER_FIT = 0.0004
"""Difference of the log likelihood per frame between half a sentence and another one that is forced upon it: it was 0.0004 to
0.007 for commands that were cut in their middle, up to 0.0002 for whole ones in noise."""
_FORCED_FIT = 0.004
"""The same between the words that were heard and more that complete them: 0.002 for a swallowed "it", 0.015 for a word that
nobody had said."""
_FRAMES_PER_PHONE = 12
_DRAWN_OUT_FRAMES_PER_PHONE = 20
"""The last words of 48 commands took 10 frames for each phone in the median, at most 19; stretched to 2.2 times, half of them
took more than 20."""
_MAX_EXTRA_FRAMES = 150
"""Frames that a word may last beyond its phones: it may include a noise before it, not a whole recording of noise."""
_MAX_PAUSE_SHARE = 0.33
"""Share of pauses between the first and the last word of a sentence; more means that other words were said."""


@dataclass(frozen=True)
class SearchLimits:
    """Pruning: paths that are less likely than the best one by these factors are dropped."""

    beam: float
    word_beam: float
    most_states: int  # in a frame


@dataclass(frozen=True)
class Hypothesis:
    """The most likely sentence, and its likelihood relative to the best phone sequence: 0 to 1, per second of speech.

    Without a sentence, the score is that of the words that begin one.
    """

    tokens: tuple[str, ...] = ()
    score: float = 0.0
    completeness: Completeness = Completeness.UNKNOWN


class SentenceDecoder:
    """Finds the sentence of a grammar that a whole utterance matches best, and its score."""

    def __init__(self, model: Path, sentences: Automaton, lexicon: Lexicon, search: SearchLimits) -> None:
        self._sentences = sentences
        self._phone_counts = {word: _min_phone_count(word, lexicon) for word in sentences.words}
        self._decoder = _create_decoder(model, sentences, lexicon, search)
        self._decoder.add_fsg(_SENTENCES, self._decoder.create_fsg(_SENTENCES, *_build_graph(sentences)))
        self._decoder.add_allphone_file(_PHONES, None)

    def decode(self, pcm: bytes) -> Hypothesis:
        """Decode 16 kHz 16-bit mono speech; the hypothesis has no tokens if it is not a whole sentence.

        Before the end of the utterance the search may stop anywhere in a sentence, at its end only after a whole one. Where
        the two differ, the whole sentence has words that nobody has said.
        """
        heard, whole = self._search_sentences(pcm)
        sentence = _tokens_of(whole)
        is_sentence = self._sentences.accepts(sentence) and self._has_valid_timing(whole)
        if is_sentence and not _fits_better(heard, whole):
            return Hypothesis(sentence, self._score(whole, pcm), self._rate_sentence(whole, len(heard)))
        if heard:
            return Hypothesis((), self._score(heard, pcm), Completeness.BEGINNING)
        return Hypothesis()

    def forget_noise(self) -> None:
        """Forget the noise of earlier audio, which is otherwise expected in the next."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pocketsphinx calls it unnecessary, but scores differ
            self._decoder.start_stream()

    def _rate_sentence(self, words: Sequence[AlignedSegment], heard_count: int) -> Completeness:
        if heard_count > len(words):
            return Completeness.BEGINNING
        if self._sentences.is_finished(_tokens_of(words)):
            return Completeness.FINISHED
        is_hesitating = _is_drawn_out(words[-1], self._phone_counts[_token(words[-1])])
        return Completeness.UNKNOWN if is_hesitating else Completeness.COMPLETE

    def _score(self, words: Sequence[AlignedSegment], pcm: bytes) -> float:
        with self._utterance(_PHONES, pcm):
            pass
        return compute_score(words, read_segments(self._decoder))

    def _has_valid_timing(self, words: Sequence[AlignedSegment]) -> bool:
        """Return whether a person could have said the words in the time they take."""
        duration = words[-1].last - words[0].first + 1
        pauses = duration - sum(word.frames for word in words)
        drawn_out = max(word.frames - _FRAMES_PER_PHONE * self._phone_counts[_token(word)] for word in words)
        return drawn_out <= _MAX_EXTRA_FRAMES and pauses <= _MAX_PAUSE_SHARE * duration

    def _search_sentences(self, pcm: bytes) -> tuple[list[AlignedSegment], list[AlignedSegment]]:
        """Return the words before the end of the utterance, and those of a whole sentence."""
        with self._utterance(_SENTENCES, pcm):
            heard = read_segments(self._decoder)
        whole = read_segments(self._decoder)
        return [word for word in heard if word.is_word], [word for word in whole if word.is_word]

    @contextmanager
    def _utterance(self, search: str, pcm: bytes) -> Iterator[None]:
        """Search an utterance, which ends with the block."""
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        # the whole utterance at once: cepstral mean normalization needs it before the search
        self._decoder.process_raw(pcm + END_SILENCE, full_utt=True)
        yield
        self._decoder.end_utt()


def _is_drawn_out(word: AlignedSegment, phones: int) -> bool:
    """Return whether a word takes so long that its speaker is thinking of the next one."""
    return word.frames > _DRAWN_OUT_FRAMES_PER_PHONE * phones


def _fits_better(heard: Sequence[AlignedSegment], whole: Sequence[AlignedSegment]) -> bool:
    """Return whether the words before the end fit the sound better than a whole sentence, where the two differ."""
    first = next(
        (at for at, pair in enumerate(zip(heard, whole, strict=False)) if _token(pair[0]) != _token(pair[1])), None
    )
    if first is None:
        more = whole[len(heard) :]
        return bool(heard and more) and _mean_likelihood(heard) - _mean_likelihood(more) > _FORCED_FIT
    return _mean_likelihood(heard[first:]) - _mean_likelihood(whole[first:]) > _BETTER_FIT


def _mean_likelihood(words: Sequence[AlignedSegment]) -> float:
    """Return the log likelihood per frame."""
    return sum(word.log_likelihood for word in words) / sum(word.frames for word in words)


def _token(word: AlignedSegment) -> str:
    return word.word.partition("(")[0]  # home(2) is its second pronunciation


def _tokens_of(words: Iterable[AlignedSegment]) -> tuple[str, ...]:
    return tuple(map(_token, words))


def _create_decoder(model: Path, sentences: Automaton, lexicon: Lexicon, search: SearchLimits) -> "Decoder":
    from pocketsphinx import Decoder

    with TemporaryDirectory() as folder:
        dictionary = Path(folder) / "grammar.dict"  # only its words: a fifth of the memory of the full dictionary
        dictionary.write_text("".join(_dictionary_lines(sentences, lexicon)), "utf-8")
        return Decoder(
            hmm=str(model),
            dict=str(dictionary),
            lm=None,
            loglevel="FATAL",
            beam=search.beam,
            pbeam=search.beam,
            wbeam=search.word_beam,
            maxhmmpf=search.most_states,
            topn=8,
            silprob=0.1,  # the default makes pauses so expensive that words are inserted for them
            wip=0.4,
            bestpath=False,  # may leave the grammar
            compallsen=True,  # makes the likelihoods of the two searches comparable
        )


def _min_phone_count(word: str, lexicon: Lexicon) -> int:
    return min(len(phones.split()) for phones in lexicon.find_phones(tokens.spoken_word(word)))


def _dictionary_lines(sentences: Automaton, lexicon: Lexicon) -> Iterator[str]:
    for word in sorted(sentences.words):
        for number, phones in enumerate(lexicon.find_phones(tokens.spoken_word(word)), 1):
            yield f"{word}{f'({number})' if number > 1 else ''} {phones}\n"


def _build_graph(sentences: Automaton) -> tuple[int, int, list[tuple[int, int, float] | tuple[int, int, float, str]]]:
    """Return start, end and transitions for pocketsphinx: one final state, equal probabilities out of each state."""
    end = len(sentences.states)
    transitions: list[tuple[int, int, float] | tuple[int, int, float, str]] = []
    for state, arcs in enumerate(sentences.states):
        is_final = state in sentences.final
        probability = 1 / max(len(arcs) + is_final, 1)
        transitions += [(state, target, probability, word) for word, target in arcs]
        if is_final:
            transitions.append((state, end, probability))
    return sentences.start, end, transitions
