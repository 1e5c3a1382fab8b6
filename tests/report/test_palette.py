from reslab.report.palette import COLOURS
from reslab.studies.preactivation import ALTERED


def test_every_altered_shortcut_has_a_colour_beside_the_original() -> None:
    assert len(set(COLOURS)) >= len(ALTERED) + 1
