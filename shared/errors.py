"""The one exception that the command turns into a line on stderr and exit status 2."""


class InputError(ValueError):
    """Input from outside is bad; the message names what is wrong and the remedy, in one line."""
