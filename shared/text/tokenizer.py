"""Byte-pair encoding (Sennrich et al. 2016) with SentencePiece (Kudo and Richardson 2018).

A tokenizer is a single file. Characters outside the vocabulary are encoded as UTF-8 bytes, so
decoding restores every text. No text is ever encoded as a control symbol.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shared.errors import InputError
from shared.files import write_bytes
from shared.readers import read_bytes
from shared.text.normalize import normalize

PAD, UNKNOWN, START, END = 0, 1, 2, 3
_BYTES = 256
_SPECIALS = {PAD: "<pad>", UNKNOWN: "<unk>", START: "<s>", END: "</s>"}


class Tokenizer:
    """Encodes text as ids and decodes ids to text.

    Args:
        path: A file written by `train_tokenizer`.

    Attributes:
        proto: The file's content, a serialized SentencePiece model.
        vocabulary: Number of ids.
        symbols: Control symbols, besides padding, start and end.

    Raises:
        InputError: The file is missing, or `train_tokenizer` did not write it.
    """

    def __init__(self, path: str | Path):
        import sentencepiece

        self.proto = read_bytes(path)
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(self.proto)
            pieces = [self._processor.id_to_piece(i) for i in range(self._processor.vocab_size())]
        except (RuntimeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a SentencePiece model") from error
        self.vocabulary = self._processor.vocab_size()
        has_bytes = self._processor.is_byte(self._processor.piece_to_id("<0x00>"))
        if dict(enumerate(pieces[:4])) != _SPECIALS or not has_bytes:
            raise InputError(f"{path}: not a tokenizer of this suite; train one with it")
        ids = filter(self._processor.is_control, range(len(_SPECIALS), self.vocabulary))
        self.symbols = tuple(pieces[i] for i in ids)

    def encode(self, text: str, dropout: float = 0.0) -> list[int]:
        """Encodes normalized text as ids, without start and end.

        Args:
            text: Any text.
            dropout: Probability of skipping a merge (BPE-dropout, Provilkov et al. 2020). 0 is
                deterministic.
        """
        return self._processor.encode(normalize(text), **_sampling(dropout))

    def encode_all(self, texts: Sequence[str], dropout: float = 0.0) -> list[list[int]]:
        """Encodes many texts, on all cores."""
        return self._processor.encode(
            [normalize(text) for text in texts],
            num_threads=os.cpu_count() or 1,
            **_sampling(dropout),
        )

    def decode(self, ids: Iterable[int]) -> str:
        """Decodes ids to normalized text, without control symbols."""
        kept = [int(i) for i in ids if not self._processor.is_control(int(i)) and i != UNKNOWN]
        return self._processor.decode(kept)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Returns the subword of each id; U+2581 is a space, ``<0xE2>`` a byte."""
        return [self._processor.id_to_piece(int(i)) for i in ids]

    def id(self, symbol: str) -> int:
        """Returns the id of a control symbol, such as ``<2de>``.

        Raises:
            InputError: The tokenizer has no such symbol.
        """
        found = self._processor.piece_to_id(symbol)
        if not self._processor.is_control(found):
            raise InputError(f"the tokenizer has no symbol {symbol!r}")
        return found

    def save(self, path: str | Path) -> None:
        """Writes the tokenizer to a file, atomically."""
        write_bytes(path, self.proto)


def _sampling(dropout: float) -> dict[str, Any]:
    return {"enable_sampling": True, "alpha": dropout, "nbest_size": -1} if dropout else {}


def train_tokenizer(
    texts: Iterable[str],
    path: str | Path,
    vocabulary: int = 6000,
    symbols: Sequence[str] = (),
    whole: Sequence[str] = (),
    letters: str = "",
) -> Tokenizer:
    """Trains a tokenizer. The same texts give the same file.

    Args:
        texts: Training texts, in all languages.
        path: File to write.
        vocabulary: Number of ids, including 4 special ones, the control symbols and 256 bytes. The
            result is smaller if the texts do not have that many subwords.
        symbols: Control symbols. No text is encoded as one of them.
        whole: Strings that are always one subword. One that begins with U+2581 has a space before
            it.
        letters: Characters that get a subword even if they are rare; other rare characters are
            encoded as bytes.

    Raises:
        InputError: The texts are empty, or the vocabulary is too small for bytes and characters.
    """
    import sentencepiece

    sentences = (line for line in map(normalize, texts) if line)
    first = next(sentences, None)
    if first is None:
        raise InputError("cannot train a tokenizer: all texts are empty")
    least = len(_SPECIALS) + len(symbols) + len(whole) + _BYTES
    if vocabulary <= least:
        raise InputError(f"a vocabulary of {vocabulary} is too small; use more than {least}")
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=itertools.chain([first], sentences),
            model_writer=written,
            model_type="bpe",
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            byte_fallback=True,
            split_digits=True,
            character_coverage=0.9999,
            max_sentence_length=1 << 16,
            control_symbols=list(symbols),
            user_defined_symbols=list(whole),
            required_chars=letters,
            pad_id=PAD,
            unk_id=UNKNOWN,
            bos_id=START,
            eos_id=END,
            pad_piece=_SPECIALS[PAD],
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise InputError(f"cannot train a tokenizer: {str(error)[:200]}") from error
    write_bytes(path, written.getvalue())
    return Tokenizer(path)
