"""Hypothesis strategies that damage the bytes of a file, or what a compressed file contains."""

import gzip
import io
import lzma
import re
import zipfile

from hypothesis import strategies as st

NUMBERS = [*b'0 -1 7 0.5 1e999 NaN -Infinity 1e30 1e-320 255 200000 2147483648 "7" []'.split(),
           b"99999999999", b"-9223372036854775809", b"null", b"1/0", b"9" * 5000]  # fmt: skip
PIECES = [b"\0", b"\xff", b"\xef\xbb\xbf", b'"', b"\t", b"\r", b"\\ud800", b"\x1b[31m", b"..",
          "\u202e\u2028\U0001f600".encode(), b" " * 9999, b"." * 40_000, b"\n" * 5000]  # fmt: skip
NESTED = [(b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"), (b"|: ", b" :|")]
NUMBER, TOKEN = rb"-?\d+(\.\d+)?", rb'"[^"\n]*"|\w+|[^\w\s]'


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """One to three faults; half of those of a compressed file are in what it contains."""
    inside = _opened(content)
    if inside and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(inside)))
        inside[name] = draw(damaged(inside[name]))
        return _closed(content, inside)
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from([_flipped, _cut, _inserted, _replaced]))(draw, content)
    return content


def _flipped(draw: st.DrawFn, content: bytes) -> bytes:
    changed = bytearray(content or b"\0")
    for bit in draw(st.lists(st.integers(0, 8 * len(changed) - 1), min_size=1, max_size=8)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _cut(draw: st.DrawFn, content: bytes) -> bytes:
    """Truncated, or with a part deleted or doubled."""
    first, last = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    parts = content[:first], content[:first] + content[last:], content[:last] + content[first:]
    return draw(st.sampled_from(parts))


def _inserted(draw: st.DrawFn, content: bytes) -> bytes:
    """With odd bytes, or brackets nested deeply, that are closed or not."""
    at = draw(st.integers(0, len(content)))
    piece = draw(st.sampled_from([*PIECES, b""]))
    if not piece:
        opening, closing = draw(st.sampled_from(NESTED))
        depth = draw(st.sampled_from([50, 2000, 100_000]))
        piece = opening * depth + closing * depth * draw(st.booleans())
    return content[:at] + piece + content[at:]


def _replaced(draw: st.DrawFn, content: bytes) -> bytes:
    """With an odd number for a number, or another of its tokens for a token."""
    pattern = draw(st.sampled_from([NUMBER, TOKEN]))
    spans = [match.span() for match in re.finditer(pattern, content)]
    if not spans:
        return content
    (first, last), (start, end) = (draw(st.sampled_from(spans)) for _ in range(2))
    new = draw(st.sampled_from(NUMBERS)) if pattern == NUMBER else content[start:end]
    return content[:first] + new + content[last:]


def _opened(content: bytes) -> dict[str, bytes]:
    """The files in a compressed file by name; empty if it is none."""
    if content.startswith(b"\x1f\x8b"):
        return {"gzip": gzip.decompress(content)}
    if content.startswith(b"\xfd7zXZ"):
        return {"xz": lzma.decompress(content)}
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    return {}


def _closed(content: bytes, inside: dict[str, bytes]) -> bytes:
    """Compresses files as ``content`` was, with checksums that are right."""
    if not content.startswith(b"PK"):
        [data] = inside.values()
        return gzip.compress(data, mtime=0) if "gzip" in inside else lzma.compress(data)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in inside.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()
