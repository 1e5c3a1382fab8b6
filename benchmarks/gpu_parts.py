"""What `gpu_training.py` measures, part by part, each small enough to be done in one go."""

import argparse
from typing import Any

from training_worker import Task

from reslab.networks.catalogue import find_network

PRECISIONS = ("float32", "tf32", "bfloat16")
IN_MEMORY = " in memory"

Parts = dict[str, Task]
"""By name, `GROUP/VARIANT`, the most telling first."""


def variants_of(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The ways in which reslab takes a step, with the settings that ask for them."""
    on_gpu = options.device.startswith("cuda")
    usable = [p for p in options.precisions if on_gpu or p != "tf32"]
    ways = {"eager": ("never", "never"), "captured": ("never", "always")}
    if not options.no_compile:
        ways |= {"compiled": ("always", "never"), "compiled, captured": ("always", "always")}
    return {
        f"{way} {precision}": {"compile": compile_, "capture": capture, "precision": precision}
        for way, (compile_, capture) in ways.items()
        for precision in (usable if way in ("eager", "captured") else ["bfloat16"])
    }


def plan_parts(options: argparse.Namespace, data_root: str) -> Parts:
    """Everything to measure."""
    parts: Parts = {"machine/peaks": {**_common(options, data_root), "measure": "peaks"}}
    first, *others = options.networks.split(",")
    parts |= _plan_network(options, data_root, first)
    parts |= _plan_packing(options, data_root, first)
    if options.imagenet:
        parts |= _plan_network(options, data_root, options.imagenet)
    for network in others:
        parts |= _plan_network(options, data_root, network)
    return parts


def _plan_network(options: argparse.Namespace, data_root: str, network: str) -> Parts:
    imagenet = find_network(network).stem == "imagenet"
    common = {
        **_common(options, data_root),
        "network": network,
        "batch": options.imagenet_batch if imagenet else options.batch,
    }
    measured = IN_MEMORY if imagenet else ""
    parts = {
        f"{network}/{baseline}": {
            **common,
            "measure": f"baseline{measured}",
            "baseline": baseline,
            "steps": options.baseline_steps,
            # The common loop is written in float32; torchvision's network is measured as ours.
            "autocast": imagenet,
        }
        for baseline in _baselines(options, imagenet=imagenet)
    }
    for name, settings in variants_of(options).items():
        if imagenet and settings["precision"] != "bfloat16":
            continue
        parts[f"{network}/{name}"] = {**common, "measure": f"ours{measured}", "settings": settings}
    return parts


def _baselines(options: argparse.Namespace, *, imagenet: bool) -> list[str]:
    if imagenet:
        return ["torchvision"]
    return ["akamaster", "common"] if options.akamaster else ["common"]


def _plan_packing(options: argparse.Namespace, data_root: str, network: str) -> Parts:
    """The same number of steps by each of several runs, in one process and in one each."""
    settings = {"compile": "never", "capture": "always", "precision": "bfloat16"}
    common = {**_common(options, data_root), "network": network, "settings": settings}
    return {
        f"packing/{kind} {runs}": {**common, "measure": measure, "runs": runs, "workers": runs}
        for runs in options.packing
        for kind, measure in (("streams", "together"), ("processes", "study"))
    }


def _common(options: argparse.Namespace, data_root: str) -> Task:
    names = ("akamaster", "batch", "cudnn_benchmark", "device", "loaders", "peak_seconds", "steps")
    return {
        **{name: getattr(options, name) for name in (*names, "warm_up_steps")},
        "autocast": False,
        "data_root": data_root,
        "settings": {},
        "threads": 1,
    }
