"""Colours that still and interactive charts share."""

# Okabe and Ito's colours, which readers with colour-blindness tell apart, less yellow; a grey that
# is seen on light and dark takes the place of their black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")


def colour(index: int) -> str:
    """The palette's colour number `index`, over again past its end."""
    return COLOURS[index % len(COLOURS)]
