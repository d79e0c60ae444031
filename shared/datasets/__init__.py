"""Data sources: the cache folder, and downloads with checksums."""

from shared.datasets.fetch import cache_dir, download, sha256_of

__all__ = ["cache_dir", "download", "sha256_of"]
