"""Labelled prompts: the rules of the routing were made on one half of them, and are only measured on the other."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledPrompt:
    label: str
    """A route, or `blocked`."""
    language: str
    text: str
    style: str
    """`direct`, as people are used to speak to a machine, or `indirect`."""


def _load() -> list[LabelledPrompt]:
    lines = Path(__file__).with_name("routing_utterances.tsv").read_text("utf-8").splitlines()
    return [LabelledPrompt(*line.split("\t")) for line in lines]


PROMPTS = _load()
TUNED, MEASURED = PROMPTS[0::2], PROMPTS[1::2]
