"""Whether a run is to stop: a wish of any rank, heard by all at the same step."""

import torch
import torch.distributed as dist

from reslab.training.ranks import Ranks, watched


class StopVote:
    """Asks all ranks at each step, and hears the answer at the next: no step waits for it.

    Args:
        ranks: who votes.
    """

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        # On the CPU, so that no one waits for a GPU to answer.
        self._votes = torch.zeros(())
        self._work: dist.Work | None = None

    def ask(self, wish: bool) -> bool:
        """Vote, once on each rank before each step.

        Returns:
            Whether any rank wished to stop at the step before; alone, whether this one does.

        Raises:
            RankLostError: if a rank is lost.
        """
        if self._ranks.size == 1:
            return wish
        if self.hear():
            return True
        self._votes.fill_(float(wish))
        with watched():
            self._work = dist.all_reduce(self._votes, async_op=True)
        return False

    def hear(self) -> bool:
        """The answer to the last question, which must be heard before a run ends."""
        if self._work is None:
            return False
        with watched():
            self._work.wait()
        self._work = None
        return bool(self._votes)
