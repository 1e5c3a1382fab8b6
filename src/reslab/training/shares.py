"""How many processes can share a batch."""

from reslab.errors import ConfigError


def check_shares(batch_size: int, parts: int, ranks: int) -> None:
    """Refuse a number of ranks that cannot share every batch equally.

    Either each rank computes whole parts, or each part is shared by as many ranks as every other.

    Raises:
        ConfigError: if neither is possible.
    """
    shares = ranks > 0 and (parts % ranks == 0 or ranks % parts == 0)
    if not shares or batch_size % ranks:
        raise ConfigError(
            f"ranks is {ranks}, which cannot share a batch of {batch_size} images in {parts} "
            f"part{'s' * (parts > 1)} equally: take a number that divides the parts, or a multiple "
            "of it that divides the batch"
        )
