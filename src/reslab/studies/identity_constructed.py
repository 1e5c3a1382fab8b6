"""The identity study's first part: the constructed deeper net, in verdict and table."""

from collections.abc import Sequence

from reslab.analysis.constructed import STATISTICS_IMAGES
from reslab.analysis.statistics import compare_means, summarise
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim, Table, judge_claim
from reslab.studies.judging import judge_lower
from reslab.studies.measuring import Measured

COLUMNS = {
    "shallow_error_pct": "shallow",
    "constructed_error_pct": "constructed",
    "settled_error_pct": "with batch statistics",
    "trained_error_pct": "trained on",
}


def judge_constructed(
    constructed: Sequence[Measured], random: Sequence[float], *, tested: bool
) -> tuple[Claim, ...]:
    """Whether the solution exists, and whether training from random weights misses it.

    Args:
        constructed: the constructed nets; without any there is no claim.
        random: last training errors of the same deeper net from random weights.
        tested: whether nets trained so briefly bear a verdict.
    """
    if not constructed:
        return ()
    return _judge_existence(constructed), _judge_search(constructed, random, tested=tested)


def _judge_existence(constructed: Sequence[Measured]) -> Claim:
    found = [m.values for m in constructed]
    same = sum(v["shallow_error_pct"] == v["constructed_error_pct"] for v in found)
    difference = max(v["largest_difference"] for v in found)
    scale = max(v["largest_logit"] for v in found)
    logits = f"differ by up to {difference:.2g}" if difference else "are equal to the last bit"
    return Claim(
        statement="A deeper net no worse than the shallower one exists: construct it.",
        where="§1, §3.1",
        verdict=judge_claim(holds=same == len(found)),
        evidence=f"With identities inserted the training error is the same in {same} of "
        f"{len(found)} nets, and the logits {logits} (the largest is {scale:.3g}).",
    )


def _judge_search(
    constructed: Sequence[Measured], random: Sequence[float], *, tested: bool
) -> Claim:
    statement = "The optimiser does not find it from random weights."
    if not random:
        return Claim(
            statement=statement,
            where="§1, §3.1",
            verdict=judge_claim(holds=False, tested=False),
            evidence="No deeper net from random weights ended with an error to compare with.",
        )
    trained = [m.values["trained_error_pct"] for m in constructed]
    change = compare_means(random, trained)
    return Claim(
        statement=statement,
        where="§1, §3.1",
        verdict=judge_lower(change, tested=tested),
        evidence="Training error of the constructed net trained on, minus that of the same net "
        f"from random weights: {points(change)} points.",
    )


def table_of_constructed(constructed: Sequence[Measured]) -> Table:
    """Training errors before and after the construction, and after training on."""
    first = constructed[0]
    means = [summarise([m.values[key] for m in constructed]).to_text() for key in COLUMNS]
    difference = max(m.values["largest_difference"] for m in constructed)
    return Table(
        title="The constructed solution, training error %",
        columns=("nets", "n", *COLUMNS.values(), "logits differ by"),
        rows=((first.label, len(constructed), *means, f"{difference:.2g}"),),
        note=f"Of {first.values['images']:,} training images. Batch statistics: the added layers' "
        f"BN set from at most {STATISTICS_IMAGES} images, so that the map stays the identity in "
        f"training mode too. Trained on: {first.values['steps']:,} more steps of the same recipe, "
        "learning rate included, so that it may leave the solution. The shallow part has then been "
        "trained twice as long as the net from random weights.",
    )
