"""The entry point of the command, ``lstm-suite`` and ``python -m lstm_suite``.

Ctrl-C ends it without a traceback, while modules are imported too.
"""

import os
import signal
import sys


def main() -> None:
    """Runs the command line and exits with its status."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    from apps.verbs import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = cli.main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sys.exit(status)


if __name__ == "__main__":
    main()
