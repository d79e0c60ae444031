"""What a translation model is made of, and the named configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import InputError

ATTENTIONS = ("general", "dot", "concat", "additive")


@dataclass(frozen=True)
class TranslationConfig:
    """Saved as JSON beside the weights.

    Args:
        directions: Source and target language of each direction that the model translates.
        multilingual: Whether each source begins with a symbol for its target language, as
            ``<2de>`` (Johnson et al. 2017); needed where there are several targets.
        vocabulary: Subwords of the one vocabulary that source and target share.
        embedding: Width of the one table that source, target and softmax share (Press and Wolf
            2017), and so of the attention layer before the softmax.
        encoder_units: Of each direction of each bidirectional layer, from the bottom up.
        decoder_units: Of each LSTM layer of the decoder, from the bottom up.
        residual: Whether layers of equal size have residual connections.
        attention: One of `ATTENTIONS`: Luong's scores, or Bahdanau's additive energy.
        attention_units: Width of the additive energy's hidden layer.
        input_feeding: Whether the decoder reads what the attention layer put out before.
        cell: Options of `shared.layers.LSTMCell`, of encoder and decoder.
        embedding_dropout: Rate on the embeddings of source and target.
        context_dropout: Rate on what the encoder gives the attention, and between layers.
        output_dropout: Rate before the softmax.
        label_smoothing: Share of the target's probability spread over all subwords.
        length: Subwords of the longest source, language symbol and end included.

    Raises:
        InputError: A value is unknown or out of range.
    """

    directions: tuple[tuple[str, str], ...] = (("en", "de"),)
    multilingual: bool = False
    vocabulary: int = 6000
    embedding: int = 256
    encoder_units: tuple[int, ...] = (192,)
    decoder_units: tuple[int, ...] = (384,)
    residual: bool = True
    attention: str = "general"
    attention_units: int = 256
    input_feeding: bool = False
    cell: dict[str, Any] = field(default_factory=dict)
    embedding_dropout: float = 0.3
    context_dropout: float = 0.3
    output_dropout: float = 0.3
    label_smoothing: float = 0.1
    length: int = 64

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.attention not in ATTENTIONS:
            raise InputError(f"attention is {self.attention!r}: choose from {ATTENTIONS}")
        for name in ("embedding_dropout", "context_dropout", "output_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give 0 or more, and below 1")
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


def language_symbol(target: str) -> str:
    """What a source begins with that is to be translated into a language."""
    return f"<2{target}>"


_OTHERS = ("de", "es", "fr")

PRESETS = {
    "tiny": TranslationConfig(
        vocabulary=300,
        embedding=48,
        encoder_units=(48,),
        decoder_units=(96,),
        embedding_dropout=0,
        context_dropout=0,
        output_dropout=0,
        label_smoothing=0,
        length=64,
    ),
    "multi30k-en-de": TranslationConfig(),
    "multi30k-de-en": TranslationConfig(directions=(("de", "en"),)),
    "multi30k-en-fr": TranslationConfig(directions=(("en", "fr"),)),
    "tatoeba": TranslationConfig(
        directions=tuple(pair for other in _OTHERS for pair in (("en", other), (other, "en"))),
        multilingual=True,
        vocabulary=8000,
        encoder_units=(256,),
        decoder_units=(512,),
        embedding_dropout=0.1,
        context_dropout=0.2,
        output_dropout=0.2,
    ),
}
