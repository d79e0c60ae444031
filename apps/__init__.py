"""The four applications and the command; each has the same files with the same jobs."""

APPS = ("music", "translation", "captioning", "handwriting")
