"""Accuracy and speed of the classifier of request complexity."""

from collections import Counter
from time import perf_counter

from tests.unit.intent.llm.complexity_cases import MEASURED, TUNED
from wyoming_rosie_intent.llm.complexity import Complexity, classify

ROUNDS = 50


def main() -> None:
    for name, table in (("made on these", TUNED), ("only measured on these", MEASURED)):
        found = Counter((meant, classify(text).complexity) for text, meant in table)
        right = sum(count for (meant, given), count in found.items() if meant is given)
        print(f"\n{name}: {len(table)} requests, {100 * right / len(table):.0f} % right\n")
        print(f"| is | {' | '.join(Complexity)} |\n|---|{'---|' * len(Complexity)}")
        for meant in Complexity:
            print(f"| {meant} | {' | '.join(str(found[meant, given]) for given in Complexity)} |")
    texts = [text for text, _ in (*TUNED, *MEASURED)]
    began = perf_counter()
    for text in texts * ROUNDS:
        classify(text)
    print(f"\n{1e6 * (perf_counter() - began) / len(texts) / ROUNDS:.0f} µs for one request")


if __name__ == "__main__":
    main()
