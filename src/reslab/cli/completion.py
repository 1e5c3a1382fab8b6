"""`reslab completion`: what a shell needs to complete the command."""

from dataclasses import dataclass
from typing import Literal

from tyro.conf import Positional


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print the script by which a shell completes `reslab`.

    Example: `reslab completion bash > ~/.local/share/bash-completion/completions/reslab`.
    """

    shell: Positional[Literal["bash", "zsh", "fish"]]
    """Which shell."""

    def run(self) -> int:
        """Print the script."""
        from reslab.cli.main import parse  # noqa: PLC0415

        parse(["--tyro-print-completion", self.shell])
        return 0
