"""JSON values checked against types: dataclasses, typed dictionaries, and what they contain."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from shared.errors import InputError

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_MOST = sys.float_info.max


def from_json(value: Any, kind: Any, source: str | Path) -> Any:
    """Returns a JSON value as an annotation says, all that is in it checked.

    Args:
        value: What `shared.files.read_json` returns.
        kind: A dataclass, a `typing.TypedDict`, a ``Literal``, a tuple, list or mapping of types,
            a type or None, a plain type, or ``Any``. Lists become tuples where a tuple is meant.
        source: The file, and where in it, for messages.

    Raises:
        InputError: The value is of another type, or a key is unknown or missing.
    """
    arguments = get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        needed = {
            f.name
            for f in dataclasses.fields(kind)
            if f.default is f.default_factory is dataclasses.MISSING
        }
        entries = _entries(value, get_type_hints(kind), needed, source)
        try:
            return kind(**entries)  # type: ignore[operator]
        except ValueError as error:  # of its own checks
            raise InputError(f"{source}: {error}") from error
    if is_typeddict(kind):
        return _entries(value, get_type_hints(kind), kind.__required_keys__, source)
    origin = get_origin(kind) or kind
    if origin is Literal:
        if value in arguments:
            return value
        raise InputError(f"{source} must be {' or '.join(map(str, arguments))}, not {_cut(value)}")
    if origin in (Union, types.UnionType):
        return None if value is None else from_json(value, arguments[0], source)
    if origin in (tuple, list):
        if not isinstance(value, list):
            raise InputError(f"{source} must be a list, not {_cut(value)}")
        if origin is list or arguments[1:] == (...,):
            arguments = arguments[:1] * len(value)
        if len(value) != len(arguments):
            raise InputError(f"{source} must have {len(arguments)} entries, not {len(value)}")
        pairs = zip(value, arguments, strict=True)
        return origin(from_json(v, k, f"{source}[{n}]") for n, (v, k) in enumerate(pairs))
    if issubclass(origin, Mapping):
        kinds = dict.fromkeys(value, arguments[1]) if isinstance(value, dict) else {}
        return _entries(value, kinds, frozenset(), source)
    right = isinstance(value, (int, float) if kind is float else kind)
    if kind is not bool and isinstance(value, bool):  # which is an integer to Python
        right = False
    if kind is float and right and not -_MOST <= value <= _MOST:  # NaN or infinite
        right = False
    if not right:
        raise InputError(f"{source} must be {_NAMES[kind]}, not {_cut(value)}")
    return value


def _entries(
    value: Any, kinds: Mapping[str, Any], needed: Set[str], source: str | Path
) -> dict[str, Any]:
    """The entries of an object, each checked."""
    if not isinstance(value, dict):
        raise InputError(f"{source} must be an object with keys, not {_cut(value)}")
    for what, keys in (("unknown", value.keys() - kinds), ("missing", needed - value.keys())):
        if keys:
            raise InputError(f"{source}: {what} keys {', '.join(sorted(keys))}; restore the file")
    return {key: from_json(entry, kinds[key], f"{source}: {key}") for key, entry in value.items()}


def _cut(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
