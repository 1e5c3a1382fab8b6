"""How good a network is: errors, losses, protocols; sums are exact."""
