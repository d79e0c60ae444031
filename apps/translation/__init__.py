"""Translation of sentences, subword by subword, with attention to the source."""
