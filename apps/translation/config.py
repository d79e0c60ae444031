"""The sizes of a translation model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import InputError, check_range

ATTENTIONS = ("general", "dot", "concat", "additive")


@dataclass(frozen=True)
class TranslationConfig:
    """The configuration that is saved as JSON beside the weights.

    Args:
        directions: Source and target language of each direction that the model translates.
        multilingual: Whether each source begins with a symbol for its target language, such as
            ``<2de>`` (Johnson et al. 2017); needed where there are several targets.
        vocabulary: Subwords of the vocabulary that source and target share.
        embedding: Width of the embedding that source, target and softmax share (Press and Wolf
            2017), and so of the attention layer before the softmax.
        encoder_units: Units per direction of each bidirectional layer, from the bottom up.
        decoder_units: Units of each LSTM layer of the decoder, from the bottom up.
        residual: Whether layers of equal size have residual connections.
        attention: Luong's scores (general, dot, concat) or Bahdanau's additive energy.
        attention_units: Width of the additive energy's hidden layer.
        input_feeding: Whether the attention layer's output is fed to the decoder's next step.
        cell: Options of `shared.layers.LSTMCell`, of encoder and decoder.
        embedding_dropout: Dropout rate on the embeddings of source and target.
        context_dropout: Dropout rate on the encoder's outputs and between layers.
        output_dropout: Dropout rate before the softmax.
        label_smoothing: Share of the target's probability spread over all subwords.
        length: Subwords of the longest source, language symbol and end included.
        lifted: Whether numbers, addresses, markup and letter case are replaced by placeholders and
            symbols before the model reads a text, and put back into what it writes.

    Raises:
        InputError: A value is unknown or out of range.
    """

    directions: tuple[tuple[str, str], ...] = field(
        default=(("en", "de"),), metadata={"option": False}
    )
    multilingual: bool = field(default=False, metadata={"option": False})
    vocabulary: int = 6000
    embedding: int = 256
    encoder_units: tuple[int, ...] = (192,)
    decoder_units: tuple[int, ...] = (384,)
    residual: bool = True
    attention: str = field(default="general", metadata={"choices": ATTENTIONS})
    attention_units: int = 256
    input_feeding: bool = False
    cell: dict[str, Any] = field(default_factory=dict, metadata={"option": False})
    embedding_dropout: float = 0.3
    context_dropout: float = 0.3
    output_dropout: float = 0.3
    label_smoothing: float = 0.1
    length: int = 64
    lifted: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be built."""
        if self.attention not in ATTENTIONS:
            raise InputError(f"attention is {self.attention!r}: choose from {ATTENTIONS}")
        for name in ("embedding_dropout", "context_dropout", "output_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give 0 or more, and below 1")
        check_range("length", self.length, 8, 10_000)
        for name in ("vocabulary", "embedding", "attention_units"):
            check_range(name, getattr(self, name), 1, 1_000_000)
        for source, target in self.directions:
            if source == target:
                raise InputError(f"from {source} to {target}: name two languages")
        if len({target for _, target in self.directions}) > 1 and not self.multilingual:
            raise InputError("a model of several target languages must be multilingual")

    @property
    def languages(self) -> tuple[str, ...]:
        """All languages, sorted."""
        return tuple(sorted({language for pair in self.directions for language in pair}))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The control symbols of the vocabulary: one for each target language, or none."""
        if not self.multilingual:
            return ()
        return tuple(sorted({language_symbol(target) for _, target in self.directions}))

    def directions_between(self, source: str, target: str) -> tuple[tuple[str, str], ...]:
        """The directions with a source and a target language, in any case; "" stands for any.

        Raises:
            InputError: There is none.
        """
        source, target = source.lower(), target.lower()
        fitting = tuple(
            pair
            for pair in self.directions
            if source in ("", pair[0].lower()) and target in ("", pair[1].lower())
        )
        if not fitting:
            known = ", ".join("-".join(pair) for pair in self.directions)
            raise InputError(f"this model does not translate that way; it translates {known}")
        return fitting


def language_symbol(target: str) -> str:
    """The symbol that a source begins with if it is to be translated into a language."""
    return f"<2{target}>"
