"""What is fuzzed: every parser of a file that may come from a stranger.

A target takes any bytes and either accepts them or raises a `ReslabError`; anything else it raises,
more than a few seconds, or more memory than the fuzzer allows is a finding. Where a digest would
turn away every altered file at the door, a second target signs what was altered, as an attacker
can.
"""

from collections.abc import Callable

from data_targets import (
    cifar_seeds,
    image_seeds,
    packed_contents,
    packed_seeds,
    parquet_seeds,
    read_cifar,
    read_images_of,
    shard_seeds,
    table,
)
from foreign_targets import convert, curve_seeds, hugging_face, pickle_seeds, safetensors_seeds
from parsers import Target, in_file, refusing
from run_targets import (
    checkpoint,
    checkpoint_description,
    config_seeds,
    describe_artefact,
    description_seeds,
    log_seeds,
    read_config,
    read_log,
    results_seeds,
    weights_description,
    weights_seeds,
)

from reslab.analysis.curve_files import read_curve
from reslab.data.images import decode_image
from reslab.data.sources.packed import INDEX_FILE
from reslab.networks.weights import load
from reslab.report.study_page import rebuild_report

TARGETS: dict[str, Callable[[], Target]] = {
    "weights": lambda: Target(in_file("weights.safetensors", load), weights_seeds),
    "weights-description": weights_description,
    "checkpoint": checkpoint,
    "checkpoint-description": checkpoint_description,
    "run-config": lambda: Target(in_file("config.json", read_config), config_seeds, is_json=True),
    "metrics": lambda: Target(in_file("metrics.jsonl", read_log), log_seeds),
    "metrics-values": lambda: Target(
        in_file("metrics.jsonl", read_log), lambda: [*log_seeds()][1:], is_json=True
    ),
    "curves": lambda: Target(in_file("curve.csv", read_curve), curve_seeds),
    "cifar": lambda: Target(refusing(read_cifar), cifar_seeds),
    "pickled-weights": lambda: Target(in_file("theirs.pth", convert), pickle_seeds),
    "foreign-safetensors": lambda: Target(
        in_file("theirs.safetensors", convert), safetensors_seeds
    ),
    "hugging-face": hugging_face,
    "results": lambda: Target(
        in_file("study/results.json", lambda path: rebuild_report(path.parent)),
        results_seeds,
        is_json=True,
    ),
    "exported-description": lambda: Target(
        refusing(describe_artefact), description_seeds, is_json=True
    ),
    "images": lambda: Target(
        refusing(lambda content: decode_image(content, 3, max_pixels=10**6)), image_seeds
    ),
    "shards": lambda: Target(in_file("shard.tar", read_images_of), shard_seeds),
    "table": table,
    "parquet": lambda: Target(in_file("table.parquet", read_images_of), parquet_seeds),
    "packed-index": lambda: Target(
        in_file(f"packed/{INDEX_FILE}", lambda path: read_images_of(path.parent)),
        packed_seeds,
        is_json=True,
    ),
    "packed-contents": packed_contents,
}
"""Every target by name; made when it is fuzzed."""
