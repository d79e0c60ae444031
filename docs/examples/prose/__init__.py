"""A fifth application: a character language model in two files and one line of the registry."""
