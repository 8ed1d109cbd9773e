"""Accuracy and speed of the routing of prompts: `--errors` lists what is wrong in the half that the rules were made on."""

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import product
from time import perf_counter

from tests.unit.bridge.routing_table import MEASURED, TUNED, LabelledPrompt
from wyoming_rosie.bus import names
from wyoming_rosie_bridge.mind.routing import ACTIONS, classify

ROUNDS = 20
LABELS = (*names.ROUTES, "blocked")


def label(prompt: LabelledPrompt, *, with_language: bool = True) -> str:
    """Return the route that a prompt takes, or "blocked"."""
    routing = classify(prompt.text, prompt.language if with_language else None)
    return "blocked" if routing.blocked else routing.route


def print_matrix(title: str, prompts: Sequence[LabelledPrompt], *, with_language: bool = True) -> None:
    found = Counter((prompt.label, label(prompt, with_language=with_language)) for prompt in prompts)
    right = sum(count for (meant, given), count in found.items() if meant == given)
    print(f"\n{title}: {right} of {len(prompts)} prompts, {100 * right / len(prompts):.0f} % right\n")
    print(f"| is | {' | '.join(LABELS)} |\n|---|{'---|' * len(LABELS)}")
    for meant in LABELS:
        print(f"| {meant} | {' | '.join(str(found[meant, given]) for given in LABELS)} |")


def print_share(title: str, prompts: Sequence[LabelledPrompt]) -> None:
    right = sum(label(prompt) == prompt.label for prompt in prompts)
    print(f"\n{title}: {right} of {len(prompts)} right")


def print_share_with_tools() -> None:
    """Print how many of the actions that were not recognized reach a model that may still act."""
    missed = [one for one in MEASURED if one.label in ACTIONS and label(one) != one.label]
    may_act = sum(classify(one.text, one.language).allow_tools for one in missed)
    print(f"\nmeasured, actions not recognized: {len(missed)}, of them with tools: {may_act}")


def main() -> None:
    print_matrix("rules made on these", TUNED)
    print_matrix("only measured on these", MEASURED)
    print_matrix("the same, language not told", MEASURED, with_language=False)
    for language, style in product(("en", "de"), ("direct", "indirect")):
        print_share(
            f"measured, {language}, {style}",
            [one for one in MEASURED if (one.language, one.style) == (language, style)],
        )
    print_share_with_tools()
    texts = [prompt.text for prompt in (*TUNED, *MEASURED)]
    began = perf_counter()
    for text in texts * ROUNDS:
        classify(text)
    print(f"\n{1e6 * (perf_counter() - began) / len(texts) / ROUNDS:.0f} \u00b5s for one prompt in an unknown language")
    if "--errors" in sys.argv:
        for prompt in TUNED:
            if label(prompt) != prompt.label:
                routing = classify(prompt.text, prompt.language)
                print(f"\n{prompt.text}\n  {prompt.label}, not {label(prompt)} {routing.confidence} {routing.reasons}")


if __name__ == "__main__":
    main()
