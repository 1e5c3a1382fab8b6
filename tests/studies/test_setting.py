from typing import Any

import pytest

from reslab.errors import ConfigError
from reslab.studies.deviations import reproduce_command
from reslab.studies.setting import StudySetting, choose_setting


@pytest.mark.parametrize("change", [{"depths": (20, 20)}, {"seeds": 0}])
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        StudySetting(**{"steps": 4, **change})


def test_no_seeds_are_needed_where_weights_are_given() -> None:
    setting = StudySetting(steps=4, seeds=0, weights=("a.safetensors",))
    assert setting.plan_seeds("resnet20") == []


def test_one_network_is_planned_once_for_each_seed() -> None:
    runs = StudySetting(steps=4, seeds=3, width=4).plan_seeds("resnet8", learning_rate=0.5)
    assert [run.config.seed for run in runs] == [0, 1, 2]
    assert len({run.config.digest for run in runs}) == 3
    assert {run.config.recipe.learning_rate for run in runs} == {0.5}
    assert {run.config.network.stem_width for run in runs} == {4}


def test_steps_given_by_hand_are_not_called_by_a_budget() -> None:
    assert choose_setting("cifar10", "paper", steps=64_000).budget is None
    assert not choose_setting("cifar10", "paper", steps=100).follows_paper
    assert choose_setting("cifar10", "paper").follows_paper


def test_the_command_on_the_page_asks_for_the_same_setting() -> None:
    setting = StudySetting(data="digits", steps=4, depths=(8, 14), seeds=2, width=4)
    assert reproduce_command("degradation", setting) == (
        "reslab study degradation --data digits --steps 4 --depths 8,14 --seeds 2 --width 4"
    )
