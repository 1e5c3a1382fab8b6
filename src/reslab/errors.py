"""The one family of errors that reslab raises for a caller to act on.

Every message names the file or value at fault and the remedy. The command line prints the message
without a traceback and exits with `exit_code`.
"""


class ReslabError(Exception):
    """Base of every error a user can act on."""

    exit_code = 2


class ConfigError(ReslabError):
    """A name, option or stored configuration that does not describe something reslab can build."""


class DataError(ReslabError):
    """A data set that is missing, incomplete, or not what its format promises."""


class WeightsError(ReslabError):
    """A weights file that cannot be read, or that does not fit its network."""


class CheckpointError(ReslabError):
    """A checkpoint that is truncated, tampered with, or of another run."""


class RunError(ReslabError):
    """A run directory that is locked, already used, or not a run."""


class ExportError(ReslabError):
    """An exported artefact that could not be made or does not agree with its network."""
