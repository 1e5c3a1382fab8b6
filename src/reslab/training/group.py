"""Joining the processes that a launcher started, on one machine or several."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from reslab.errors import ConfigError
from reslab.training.gathering import gather
from reslab.training.launch import Launch
from reslab.training.ranks import TIMEOUT, RankLostError, Ranks, watched


@contextmanager
def join_launched(launch: Launch, device: str) -> Iterator[Ranks]:
    """Be one of the launched processes: exchange tensors on a CPU by gloo, on GPUs by NCCL.

    Args:
        launch: this process's place.
        device: as of `ExecutionConfig`.

    Raises:
        ConfigError: if this process has joined another group already.
        RankLostError: if the others do not come.
    """
    if dist.is_initialized():
        raise ConfigError(
            "this process has joined a process group already: end it with "
            "torch.distributed.destroy_process_group() first, reslab makes its own"
        )
    with watched(), over_loopback(launch.local_size == launch.size):
        store, rank, size = next(rendezvous("env://", timeout=TIMEOUT))
        name = gather(store, rank, size, TIMEOUT)
        dist.init_process_group(
            _choose_backend(device),
            store=PrefixStore(name, store),
            rank=rank,
            world_size=size,
            timeout=TIMEOUT,
        )
    try:
        yield Ranks(rank=launch.rank, size=launch.size, local_rank=launch.local_rank)
    except RankLostError:
        # NCCL would wait for the lost rank here; this process ends, and frees what it holds.
        if dist.get_backend() == "gloo":
            dist.destroy_process_group()
        raise
    except BaseException:
        dist.destroy_process_group()
        raise
    dist.destroy_process_group()


def _choose_backend(device: str) -> str:
    if device == "cpu" or not torch.cuda.is_available() or not dist.is_nccl_available():
        return "gloo"
    # Small decisions are exchanged on the CPU, so that nothing waits for a GPU.
    return "cpu:gloo,cuda:nccl"


@contextmanager
def over_loopback(alone: bool = True) -> Iterator[None]:
    """Keep gloo, which listens on the first interface it finds, off the network.

    Args:
        alone: whether all processes are on this machine; nothing happens where they are not, or
            where the interface is chosen already.
    """
    key = "GLOO_SOCKET_IFNAME"
    loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    if not alone or not loopback or key in os.environ:
        yield
        return
    os.environ[key] = loopback[0]
    try:
        yield
    finally:
        del os.environ[key]
