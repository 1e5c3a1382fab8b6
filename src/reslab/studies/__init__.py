"""One file for each experiment of the paper, and what they share."""
