"""Where data comes from: the cache folder and checked downloads."""

from shared.datasets.fetch import cache_dir, download, sha256_of

__all__ = ["cache_dir", "download", "sha256_of"]
