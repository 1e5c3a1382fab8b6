import pytest
import torch

from reslab.analysis.constructed import measure_constructed
from reslab.data.config import DataConfig
from reslab.networks.catalogue import find_network
from reslab.training.opening import hold_images
from reslab.training.plan import plan_run
from reslab.training.run_config import RunConfig
from reslab.training.session import TrainingSession
from tests.analysis.conftest import SmallSubject, small_classifier


def plan(name: str, steps: int, learning_rate: float = 0.1) -> RunConfig:
    network = find_network(name, width=4, in_channels=1, input_size=8)
    changes = {"crop_padding": 0, "learning_rate": learning_rate}
    return plan_run(network, DataConfig(name="digits"), steps=steps, recipe_changes=changes)


@pytest.fixture(scope="module")
def trained() -> SmallSubject:
    """A plain net of 8 layers that has learned most of the digits."""
    subject = SmallSubject(small_classifier("plain8"))
    config = plan("plain8", 60)
    session = TrainingSession(
        config, hold_images(config, subject.dataset, subject.device), subject.device
    )
    for _ in range(config.recipe.steps):
        session.advance()
    # As a net from a file lies in memory: in another layout other kernels round otherwise.
    subject.classifier = session.classifier.eval()
    subject.classifier.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return subject


def test_the_deeper_net_begins_as_the_shallower_one(trained: SmallSubject) -> None:
    values = measure_constructed(trained, deeper=plan("plain20", 1))
    assert values["shallow_error_pct"] < 40
    assert values["constructed_error_pct"] == values["shallow_error_pct"]
    assert values["largest_difference"] == 0 < values["largest_logit"]
    assert values["settled_error_pct"] == pytest.approx(values["shallow_error_pct"], abs=0.2)
    assert (values["steps"], values["images"]) == (1, len(trained.dataset.train))


def test_training_on_starts_from_the_constructed_net(trained: SmallSubject) -> None:
    values = measure_constructed(trained, deeper=plan("plain20", 30, learning_rate=1e-6))
    # The weights hardly move while BN comes to follow the batches; random ones err on nine in ten.
    assert values["trained_error_pct"] == pytest.approx(values["settled_error_pct"], abs=10)


def test_the_shallower_net_is_left_alone(trained: SmallSubject) -> None:
    before = {k: v.clone() for k, v in trained.classifier.network.state_dict().items()}
    first = measure_constructed(trained, deeper=plan("plain14", 2))
    after = trained.classifier.network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert measure_constructed(trained, deeper=plan("plain14", 2)) == first
