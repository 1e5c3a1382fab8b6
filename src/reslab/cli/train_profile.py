"""The tables of `reslab train --profile`."""

from typing import TYPE_CHECKING

from reslab.cli.output import print_line, print_table

if TYPE_CHECKING:
    from reslab.training.profile_shares import TimeShare
    from reslab.training.profiling import Profile

_COLUMNS = [" forward", "backward", " share"]


def print_profile(profile: "Profile") -> None:
    """Print where the time goes, by layer and by kind."""
    rows = [
        [*_row(share), "" if share.gmacs_per_second is None else f"{share.gmacs_per_second:7.1f}"]
        for share in profile.by_layer
    ]
    title = f"{profile.network}, milliseconds of a step of {profile.batch_size} images, by layer"
    print_table(title, ["layer", *_COLUMNS, "Gmacs/s"], rows)
    print_line("")
    print_table("the same by kind", ["kind", *_COLUMNS], [_row(s) for s in profile.by_kind])
    print_line(
        f"\na step takes {profile.step_ms:.1f} ms, {profile.profiled_step_ms:.1f} ms under the "
        f"profiler\ntrace {profile.trace}: open it in ui.perfetto.dev or chrome://tracing"
    )


def _row(share: "TimeShare") -> list[str]:
    times = [f"{share.forward_ms:8.2f}", f"{share.backward_ms:8.2f}"]
    return [share.name, *times, f"{share.pct:4.1f} %"]
