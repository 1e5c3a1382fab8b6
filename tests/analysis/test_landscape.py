import json
from typing import Any

import pytest
import torch

from reslab.analysis.landscape import draw_direction, measure_landscape, measure_profiles
from reslab.evaluation.accuracy import compute_accuracy
from tests.analysis.conftest import SmallSubject


def test_each_filter_of_a_direction_is_as_long_as_the_nets_own(plain: SmallSubject) -> None:
    network = plain.classifier.network
    direction = draw_direction(network, seed=0, part=0)
    assert set(direction) == {n for n, p in network.named_parameters() if p.dim() > 1}
    for name, change in direction.items():
        own = network.get_parameter(name).detach().flatten(1).norm(dim=1)
        torch.testing.assert_close(change.flatten(1).norm(dim=1), own)
    other = draw_direction(network, seed=0, part=1)
    assert not torch.equal(other["conv1.weight"], direction["conv1.weight"])


def test_the_middle_of_the_plane_is_the_net_and_its_edge_is_not(plain: SmallSubject) -> None:
    before = {name: p.clone() for name, p in plain.classifier.network.state_dict().items()}
    values = measure_landscape(plain, images=40, points=3, radius=0.5, seed=0)
    assert values["at"] == [-0.5, 0.0, 0.5]
    assert values["loss"][1][1] == pytest.approx(values["centre"], rel=1e-6)
    assert len({round(loss, 6) for row in values["loss"] for loss in row}) == 9
    after = plain.classifier.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    json.dumps(values, allow_nan=False)


def test_a_point_of_the_plane_is_the_net_moved_there_by_hand(plain: SmallSubject) -> None:
    values = measure_landscape(plain, images=2_000, points=3, radius=0.25, seed=3)
    network = plain.classifier.network
    directions = [draw_direction(network, seed=3, part=part) for part in (0, 1)]
    for direction, by in zip(directions, (0.25, -0.25), strict=True):
        for name, change in direction.items():
            network.get_parameter(name).data.add_(by * change)
    loss = compute_accuracy(plain.classifier, plain.dataset.train).loss
    assert values["loss"][0][2] == pytest.approx(loss, rel=1e-5)


def test_a_loss_that_is_no_number_is_left_out(plain: SmallSubject) -> None:
    plain.classifier.network.fc.bias.data.fill_(float("nan"))
    values = measure_landscape(plain, images=10, points=3, radius=0.5, seed=0)
    assert values["loss"] == [[None] * 3] * 3
    assert values["centre"] is None
    json.dumps(values, allow_nan=False)


def test_a_profile_is_the_middle_row_of_the_plane_of_its_seed(plain: SmallSubject) -> None:
    options: dict[str, Any] = {"images": 60, "points": 5, "radius": 1.0}
    profiles = measure_profiles(plain, directions=2, **options)
    plane = measure_landscape(plain, seed=1, **options)
    assert profiles["at"] == plane["at"] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert profiles["loss"][1] == pytest.approx(plane["loss"][2], rel=1e-6)
    assert profiles["loss"][0] != pytest.approx(profiles["loss"][1])
    assert profiles["centre"] == pytest.approx(profiles["loss"][0][2])
    json.dumps(profiles, allow_nan=False)
