"""Whisper models of random weights that recite a sentence: all the work of a real one, and a text to compare.

In the last layer of the decoder a table says which token follows which, so that any way of decoding ends with the text;
one direction of the decoder's state says whether anything in the audio is loud, and chooses between two texts. All other
weights are noise too soft to matter.

Of two neighbours in a row of strong weights one is always 0: a processor that adds products of bytes by twos in 16 bits, as
x86 does without VNNI, loses what goes over, and then says something else than other processors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tokenizers
from ctranslate2.specs.whisper_spec import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Dims:
    """A model's shape; encoder and decoder have as many layers each."""

    layers: int
    width: int
    heads: int


SMALL = Dims(1, 64, 1)
TINY = Dims(4, 384, 6)
BASE = Dims(6, 512, 8)
TEXT = "Turn on the lights in the kitchen."

MELS, FRAMES, POSITIONS, FIRST_SPECIAL = 80, 1500, 448, 50_257
END, BEGIN, TRANSCRIBE, NO_TIMES = "<|endoftext|>", "<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>"
MULTILINGUAL = ""
"""The token by which CTranslate2 tells multilingual models."""
ENGLISH, NO_SPEECH = "<|en|>", "<|nospeech|>"
FROM, TO = "<|0.00|>", "<|1.00|>"
VOICE_MELS = slice(2, 26)
LOUD = 0.25
"""Mean feature of a voice's frequencies: speech comes to 0.4 and more, padding is 0, a quiet room less."""
SOFT = 0.02
MEAN_LOG_PROBABILITY = -0.2


def build(folder: Path, dims: Dims = SMALL, text: str = TEXT, quiet_text: str | None = None) -> Path:
    """Write a model that says `text`, or `quiet_text` where nothing is loud, and return its folder.

    Without `quiet_text` it is the same for any audio. It detects English. A text must not end with words that it has
    already had, and a small model knows some twenty words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = [_pieces(text), _pieces(text if quiet_text is None else quiet_text)]
    vocabulary = _vocabulary([piece for pieces in texts for piece in pieces])
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    weights = _Weights(dims, vocabulary)
    weights.recite([_script(pieces) for pieces in texts])
    weights.save(folder)
    return folder


def _pieces(text: str) -> list[str]:
    """Return the text's words, each with the space before it; none comes twice, as what follows it must be clear."""
    pieces: list[str] = []
    piece = ""
    for word in text.split():
        piece += f" {word}"
        if piece not in pieces:
            pieces.append(piece)
            piece = ""
    if piece:
        raise ValueError(f"{text!r} ends with what it has already said")
    return [_spelled(one) for one in pieces]


def _spelled(text: str) -> str:
    """Return the text with a visible sign for each byte, as in a vocabulary."""
    ((spelled, _),) = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(
        text
    )
    return str(spelled)


def _script(pieces: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each token and the one that follows it."""
    yield BEGIN, ENGLISH if pieces else NO_SPEECH
    yield TRANSCRIBE, FROM
    yield NO_TIMES, [*pieces, TO][0]
    yield from pairwise([FROM, *pieces, TO, END] if pieces else [FROM, END])
    yield TO, END


def _vocabulary(pieces: list[str]) -> list[str]:
    """Return the tokens of a multilingual Whisper in their order, most of them without a meaning."""
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    known = list(dict.fromkeys([*letters, *pieces]))
    fillers = [f"Ġ~{number}" for number in range(FIRST_SPECIAL - 1 - len(known))]
    languages = [ENGLISH, *(f"<|{code}|>" for code in LANGUAGES if code not in ("en", "yue"))]
    tasks = ["<|translate|>", TRANSCRIBE, "<|startoflm|>", "<|startofprev|>", NO_SPEECH, NO_TIMES]
    times = [f"<|{0.02 * step:.2f}|>" for step in range(1501)]
    return [*known, *fillers, MULTILINGUAL, END, BEGIN, *languages, *tasks, *times]


def _tokenizer(vocabulary: list[str]) -> tokenizers.Tokenizer:
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=ids, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(vocabulary[FIRST_SPECIAL : ids[NO_TIMES] + 1])
    return tokenizer


class _Weights:
    """The numbers of a model: noise, until it is told what to recite."""

    def __init__(self, dims: Dims, vocabulary: list[str]) -> None:
        self._random = np.random.default_rng(1)
        self._dims = dims
        self._vocabulary = vocabulary
        self._spec: Any = WhisperSpec(dims.layers, dims.heads, dims.layers, dims.heads)
        self._embeddings = 0.5 * self._spread(_unit(self._noise(len(vocabulary), dims.width // 2)))
        self._set_encoder(self._spec.encoder)
        self._set_decoder(self._spec.decoder)

    def recite(self, scripts: list[Iterator[tuple[str, str]]]) -> None:
        """Let tokens follow each other as the first script says where something is loud, else as the second does."""
        steps = [(*step, sign) for sign, script in zip((1, -1), scripts, strict=True) for step in dict.fromkeys(script)]
        tokens = list(dict.fromkeys(token for one, other, _ in steps for token in (one, other)))
        *directions, loudness = self._orthogonal(len(tokens) + 1)
        known = dict(zip(tokens, directions, strict=True))
        for token, direction in known.items():
            self._embeddings[self._vocabulary.index(token)] = direction
        self._hear(loudness)
        self._remember([(known[one] + sign * loudness, known[other]) for one, other, sign in steps], known[END])
        self._spec.decoder.layer_norm.gamma *= self._gain(list(known.values()))

    def save(self, folder: Path) -> None:
        self._spec.decoder.embeddings.weight = self._spec.decoder.projection.weight = self._embeddings
        config = self._spec.config
        config.lang_ids = [self._vocabulary.index(f"<|{code}|>") for code in LANGUAGES if code != "yue"]
        config.suppress_ids, config.suppress_ids_begin = [], [self._vocabulary.index(END)]
        config.alignment_heads = [(self._dims.layers - 1, head) for head in range(self._dims.heads)]
        self._spec.register_vocabulary(self._vocabulary)
        self._spec.validate()
        self._spec.optimize(quantization="int8")
        self._spec.save(str(folder))

    def _hear(self, loudness: Floats) -> None:
        """Bring whether a frame is loud through the encoder's first channel into the decoder's state, as 1 or -1."""
        self._hear_loud_frames(self._spec.encoder)
        width = self._dims.width
        queries, keys_values, output = self._spec.decoder.layer[0].attention.linear
        queries.bias[0] = 12  # every token attends to the loudest frame
        keys_values.weight[0], keys_values.weight[width] = 0, 0
        keys_values.weight[0, 0] = 1 / np.sqrt(self._dims.heads)
        keys_values.weight[width, 0] = 1 / np.sqrt(width)
        output.weight[:, 0] = 2 * loudness
        output.bias[:] = -loudness

    def _hear_loud_frames(self, encoder: Any) -> None:
        """Raise the first channel where the voice's frequencies are loud, and keep it at 0 elsewhere."""
        encoder.conv1.weight[0], encoder.conv2.weight[0] = 0, 0
        encoder.conv1.weight[0, VOICE_MELS, 1] = 40 / (VOICE_MELS.stop - VOICE_MELS.start)
        encoder.conv1.bias[0] = -40 * LOUD
        encoder.conv2.weight[0, 0, 1] = 1

    def _remember(self, steps: list[tuple[Floats, Floats]], otherwise: Floats) -> None:
        """Let the last layer give the answer to a state that it knows, and `otherwise` to any other."""
        table = self._spec.decoder.layer[-1].ffn
        for unit, (state, answer) in zip(range(0, 4 * self._dims.width, 2), steps, strict=False):
            table.linear_0.weight[unit] = 40 / np.sqrt(2 * self._dims.width) * state  # others reach half of it
            table.linear_0.bias[unit] = -30
            table.linear_1.weight[:, unit] = 2 * answer
        table.linear_1.bias[:] = 3 * otherwise

    def _gain(self, states: list[Floats]) -> float:
        """Return what makes the tokens of the text as probable as those of a good model."""
        logits = np.sqrt(self._dims.width) * np.stack(states) @ self._embeddings.T
        low, high = 0.0, 100.0
        for _ in range(30):
            gain = (low + high) / 2
            rest = np.log(np.exp(gain * (logits - logits.max(axis=1, keepdims=True))).sum(axis=1))
            low, high = (gain, high) if -rest.mean() < MEAN_LOG_PROBABILITY else (low, gain)
        return high

    def _orthogonal(self, count: int) -> Floats:
        """Return so many directions at right angles to each other, with a mean of 0, which normalising keeps."""
        most = self._dims.width // 2
        if count >= most:
            raise ValueError(f"{count} tokens are too many for a model of width {self._dims.width}")
        even = np.ones((most, 1), np.float32)
        directions, _ = np.linalg.qr(np.hstack([even, self._noise(most, count)]))
        return self._spread(np.ascontiguousarray(directions.T[1:], np.float32))

    def _spread(self, rows: Floats) -> Floats:
        """Return the rows in twice the width, with a 0 after each number."""
        spread = np.zeros((len(rows), self._dims.width), np.float32)
        spread[:, ::2] = rows
        return spread

    def _noise(self, *shape: int) -> Floats:
        return self._random.standard_normal(shape, np.float32)

    def _set_encoder(self, encoder: Any) -> None:
        width = self._dims.width
        for convolution, inputs in ((encoder.conv1, MELS), (encoder.conv2, width)):
            convolution.weight, convolution.bias = self._noise(width, inputs, 3) / 200, np.zeros(width, np.float32)
        self._set_common(encoder, FRAMES)
        for layer in encoder.layer:
            self._set_attention(layer.self_attention)
            self._set_ffn(layer.ffn)

    def _set_decoder(self, decoder: Any) -> None:
        self._set_common(decoder, POSITIONS)
        for layer in decoder.layer:
            self._set_attention(layer.self_attention)
            self._set_attention(layer.attention)
            self._set_ffn(layer.ffn)

    def _set_common(self, part: Any, positions: int) -> None:
        part.position_encodings.encodings = SOFT * _unit(self._noise(positions, self._dims.width))
        self._set_norm(part.layer_norm)

    def _set_attention(self, attention: Any) -> None:
        """Fill queries, keys and values, which are one, two or three matrices, and the output."""
        self._set_norm(attention.layer_norm)
        *inputs, output = attention.linear
        shares = (3,) if len(inputs) == 1 else (1, 2)
        for linear, share in zip(inputs, shares, strict=True):
            self._set_linear(linear, share * self._dims.width, self._dims.width, SOFT)
        self._set_linear(output, self._dims.width, self._dims.width, SOFT / self._dims.width)

    def _set_ffn(self, ffn: Any) -> None:
        self._set_norm(ffn.layer_norm)
        self._set_linear(ffn.linear_0, 4 * self._dims.width, self._dims.width, SOFT)
        self._set_linear(ffn.linear_1, self._dims.width, 4 * self._dims.width, SOFT / self._dims.width)

    def _set_linear(self, linear: Any, outputs: int, inputs: int, scale: float) -> None:
        linear.weight, linear.bias = scale * self._noise(outputs, inputs), np.zeros(outputs, np.float32)

    def _set_norm(self, norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(self._dims.width, np.float32), np.zeros(self._dims.width, np.float32)


def _unit(rows: Floats) -> Floats:
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths
