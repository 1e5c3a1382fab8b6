import pytest
import torch

from reslab.analysis.signals import measure_signals, read_signals
from reslab.data.config import DataConfig
from reslab.data.load import divide, load_dataset
from reslab.training.plan import plan_network, plan_run
from reslab.training.session import TrainingSession
from tests.analysis.conftest import SmallSubject, small_classifier

DATA = DataConfig(name="digits")
CONFIG = plan_run(plan_network("plain8", DATA, width=4), DATA, steps=4)


def open_session() -> TrainingSession:
    return TrainingSession(CONFIG, divide(load_dataset("digits"), DATA), torch.device("cpu"))


def test_the_gradient_is_what_a_small_change_of_the_response_does() -> None:
    session = open_session()
    found = read_signals(session)
    # By finite differences of the last β, which shifts every response of a channel.
    norm = session.classifier.network.get_submodule("layer3.0.bn2")
    assert isinstance(norm, torch.nn.BatchNorm2d)
    assert found["layers"][-1] == "layer3.0.bn2"
    assert found["forward"][-1] == pytest.approx(1, rel=0.05)
    step = 1e-2
    losses = []
    for sign in (1, -1):
        norm.bias.data += sign * step
        losses.append(read_signals(session)["loss"])
        norm.bias.data -= sign * step
    slope = abs(losses[0] - losses[1]) / (2 * step)
    # |Σ g| over all numbers is at most √count · ‖g‖, for one image of the batch's mean loss.
    channels, places, images = 16, 4, 128
    bound = channels * places * images * found["backward"][-1] / images
    assert 0 < slope <= bound


def test_the_session_is_left_as_it_was() -> None:
    session = open_session()
    before = {name: t.clone() for name, t in session.classifier.state_dict().items()}
    read_signals(session)
    after = session.classifier.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_is_followed_to_each_moment() -> None:
    subject = SmallSubject(small_classifier("plain8"), config=CONFIG)
    values = measure_signals(subject, at_steps=(0, 2))
    assert [moment["step"] for moment in values["moments"]] == [0, 2]
    assert values["moments"][0]["loss"] != values["moments"][1]["loss"]
    session = open_session()
    expected = read_signals(session)
    assert values["moments"][0]["loss"] == pytest.approx(expected["loss"], rel=1e-4)
