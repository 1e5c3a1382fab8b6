"""The average of the weights against PyTorch's own, and what it leaves behind."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reslab.training.averaging import WeightAverage


def test_the_average_is_that_of_pytorch() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours = WeightAverage(network, 0.9)
    average = get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    theirs = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
    # It takes over the first values it is shown; ours begins with those of the network.
    theirs.update_parameters(network)
    for _ in range(20):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        network(torch.randn(5, 3))
        ours.follow()
        theirs.update_parameters(network)
    expected = theirs.module.state_dict()
    assert set(ours.tensors) == set(expected) - {"1.num_batches_tracked"}
    for name, tensor in ours.tensors.items():
        torch.testing.assert_close(tensor, expected[name])


def test_it_stands_in_for_the_weights_and_goes_again() -> None:
    network = nn.Linear(2, 2)
    average = WeightAverage(network, 0.5)
    before = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.add_(1.0)
    average.follow()
    with average.standing_in():
        torch.testing.assert_close(network.weight.detach(), before + 0.5)
    torch.testing.assert_close(network.weight.detach(), before + 1.0)
