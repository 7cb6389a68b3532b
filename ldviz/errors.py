"""What ldviz raises when its input, not its code, is at fault.

Pages and the command line catch :class:`LdvizError` alone and show its
message; anything else is a bug and keeps its traceback.  A message says what
is wrong with the value, what is allowed, and what to do next.
"""


class LdvizError(Exception):
    """Base of every error that is the input's fault, not the code's."""


class InputError(LdvizError):
    """A value, option or link that cannot be used."""


class NotApplicableError(LdvizError):
    """What was asked for does not exist here, and nothing is wrong: pages say so calmly."""


class DataError(LdvizError):
    """Images or a split that cannot be read or used."""


class ModelError(LdvizError):
    """A model folder that is missing parts or gives unusable output."""


class StudyError(LdvizError):
    """A stored study that is missing, truncated, foreign or out of date."""


class CancelledError(LdvizError):
    """The user cancelled a running computation; nothing unfinished was kept."""
