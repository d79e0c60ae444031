"""Text processing: normalization, and one subword tokenizer for training and all runtimes."""

from shared.text.normalize import normalize
from shared.text.tokenizer import END, PAD, START, UNKNOWN, Tokenizer, train_tokenizer

__all__ = ["END", "PAD", "START", "UNKNOWN", "Tokenizer", "normalize", "train_tokenizer"]
