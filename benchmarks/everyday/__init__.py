"""Sentences that people would write, and how a model translates them; see `score.py`."""
