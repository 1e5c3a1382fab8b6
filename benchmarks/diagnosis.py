"""How often `reslab diagnose` is right: a confusion matrix over curves of known truth.

python benchmarks/diagnosis.py --cases 1100 --seed 1
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import synthetic_curves
import wider_kinds
from numpy.random import Generator

from reslab.analysis.diagnosis import diagnose_families
from reslab.analysis.diagnosis_curves import Family
from reslab.analysis.diagnosis_net import Verdict

Kinds = dict[str, tuple[Verdict, Callable[[Generator], Family]]]
"""The truth of each kind of curves, and what makes one of it."""
CURVES: dict[str, Kinds] = {"synthetic": synthetic_curves.KINDS, "wider": wider_kinds.KINDS}


def count_verdicts(kinds: Kinds, cases: int, seed: int) -> dict[str, Counter[Verdict]]:
    """Verdicts by kind of curve, as many cases of each kind as `cases` allows."""
    chance = np.random.default_rng(seed)
    return {
        kind: Counter(diagnose_families([make(chance)]).verdict for _ in range(cases // len(kinds)))
        for kind, (_, make) in kinds.items()
    }


def summarise_counts(kinds: Kinds, counts: dict[str, Counter[Verdict]]) -> dict[str, object]:
    """Cases, how many were right, and how many overfitting ones were called degradation."""
    total = sum(of_kind.total() for of_kind in counts.values())
    right = sum(of_kind[kinds[kind][0]] for kind, of_kind in counts.items())
    confused = sum(
        of_kind["degradation"]
        for kind, of_kind in counts.items()
        if kinds[kind][0] == "overfitting"
    )
    return {
        "cases": total,
        "right": right,
        "right_pct": 100 * right / total,
        "overfitting_called_degradation": confused,
    }


def main() -> None:
    """Print the matrix, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", choices=CURVES, default="synthetic", help="which kinds")
    parser.add_argument("--cases", type=int, default=1_100, help="curves in all")
    parser.add_argument("--seed", type=int, default=1, help="of the curves")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    kinds = CURVES[arguments.curves]
    counts = count_verdicts(kinds, arguments.cases, arguments.seed)
    summary = summarise_counts(kinds, counts)
    verdicts = sorted({verdict for of_kind in counts.values() for verdict in of_kind})
    print(f"{'curves':28}{'truth':14}" + "".join(f"{verdict:>14}" for verdict in verdicts))
    for kind, of_kind in counts.items():
        cells = "".join(f"{of_kind[verdict]:14}" for verdict in verdicts)
        print(f"{kind:28}{kinds[kind][0]:14}{cells}")
    print(json.dumps(summary))
    if arguments.out:
        matrix = {kind: dict(of_kind) for kind, of_kind in counts.items()}
        document = {"curves": arguments.curves, "seed": arguments.seed, **summary, "matrix": matrix}
        arguments.out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
