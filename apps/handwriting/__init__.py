"""Handwriting: a text is written by hand, point by point, in a chosen style."""
