import numpy as np
import pytest

from reslab.analysis.depth_verdict import FinalErrors, Verdict, compare_depths, compare_family


def errors(depth: int, train: list[float], test: list[float]) -> FinalErrors:
    return FinalErrors(depth=depth, train_error_pct=tuple(train), test_error_pct=tuple(test))


SHALLOW = errors(20, [5.0, 5.2, 4.9], [9.0, 9.1, 9.2])


@pytest.mark.parametrize(
    ("train", "test", "verdict"),
    [
        # Worse on its own training data, whatever the test data say.
        ([12.0, 13.0, 12.5], [15.0, 15.5, 16.0], "degradation"),
        ([12.0, 13.0, 12.5], [9.0, 9.1, 9.2], "degradation"),
        # Better on the training data, worse on the test data.
        ([0.1, 0.2, 0.1], [12.0, 12.1, 12.3], "overfitting"),
        ([5.0, 5.2, 4.9], [12.0, 12.1, 12.3], "overfitting"),
        # The same on the training data, worse on the test data.
        ([5.1, 5.2, 4.9], [12.0, 12.1, 12.3], "overfitting"),
        # Better on both, or the same.
        ([0.1, 0.2, 0.1], [7.0, 7.2, 7.1], "none"),
        ([5.0, 5.2, 4.9], [9.0, 9.1, 9.2], "none"),
        # Higher, but no more than the seeds scatter.
        ([4.0, 5.0, 7.5], [8.0, 9.0, 11.5], "none"),
        # A training error perhaps higher cannot be told from overfitting.
        ([4.0, 5.0, 7.5], [12.0, 12.1, 12.3], "cannot tell"),
        # One seed.
        ([50.0], [50.0], "cannot tell"),
    ],
)
def test_verdicts(train: list[float], test: list[float], verdict: Verdict) -> None:
    assert compare_depths(SHALLOW, errors(56, train, test)).verdict == verdict


def test_seeds_alone_are_rarely_called_degradation() -> None:
    generator = np.random.default_rng(0)
    verdicts = [
        compare_depths(
            errors(20, list(generator.normal(10, 1, 3)), list(generator.normal(12, 1, 3))),
            errors(56, list(generator.normal(10, 1, 3)), list(generator.normal(12, 1, 3))),
        ).verdict
        for _ in range(1_000)
    ]
    # A 95 % interval errs upwards in 2.5 % of cases.
    assert verdicts.count("degradation") < 40


def test_the_deepest_is_compared_with_the_shallowest_whatever_the_order() -> None:
    comparison = compare_family([errors(56, [9, 9], [9, 9]), SHALLOW, errors(32, [7, 7], [7, 7])])
    assert comparison is not None
    assert (comparison.shallow_depth, comparison.deep_depth) == (20, 56)
    assert compare_family([SHALLOW]) is None
