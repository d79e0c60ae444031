"""The ``lstm-suite`` command. A verb turns options into calls, and results into files."""
