"""What a captioning model is made of, and the named configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import InputError

DECODERS = ("soft-attention", "up-down")
FITS = ("squash", "pad")
TOKENS = ("words", "subwords")


@dataclass(frozen=True)
class CaptioningConfig:
    """Saved as JSON beside the weights.

    Args:
        image_size: Width and height of what the network sees, in pixels.
        fit: How a photo that is not square becomes so: ``squash`` scales both sides, ``pad``
            scales the longer and centers it on grey.
        alpha: Width of MobileNetV2 (Sandler et al. 2018).
        cut: Its layer up to which it is always frozen, and whose output is cached.
        tune: Whether what follows the cut is trained, batch normalization aside.
        tokens: ``words``, or ``subwords`` by byte-pair encoding.
        vocabulary: Tokens at most, specials included.
        min_count: How often a word must occur in the training captions to be one.
        decoder: ``soft-attention``, one LSTM layer (Xu et al. 2015), or ``up-down``, two with the
            attention between them (Anderson et al. 2018).
        embedding: Width of the table that embeds tokens and is the softmax's (Press, Wolf 2017).
        grid_units: Width to which each cell of the feature grid is projected.
        units: Of the LSTM layers.
        attention_units: Width of the additive energy's hidden layer.
        cell: Options of `shared.layers.LSTMCell`.
        embedding_dropout: Rate on the embeddings.
        grid_dropout: Rate on the channels of the projected grid, the same in all cells, for their
            mean alone tells one training photo from another.
        output_dropout: Rate before the softmax.
        label_smoothing: Share of the target's probability spread over all tokens.
        scheduled_sampling: Share of the tokens read in training that the model draws itself
            (Bengio et al. 2015).
        attention_penalty: Weight of doubly stochastic attention: all cells are to be looked at
            about equally over a caption (Xu et al. 2015, eq. 14).
        length: Tokens of the longest caption, the end left out.

    Raises:
        InputError: A value is unknown or out of range.
    """

    image_size: int = 224
    fit: str = "squash"
    alpha: float = 1.0
    cut: str = "out_relu"
    tune: bool = False
    tokens: str = "words"
    vocabulary: int = 4000
    min_count: int = 5
    decoder: str = "soft-attention"
    embedding: int = 288
    grid_units: int = 400
    units: int = 400
    attention_units: int = 256
    cell: dict[str, Any] = field(default_factory=dict)
    embedding_dropout: float = 0.4
    grid_dropout: float = 0.4
    output_dropout: float = 0.5
    label_smoothing: float = 0.1
    scheduled_sampling: float = 0.0
    attention_penalty: float = 0.1
    length: int = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name, known in (("decoder", DECODERS), ("fit", FITS), ("tokens", TOKENS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}: choose from {known}")
        for name in ("embedding_dropout", "grid_dropout", "output_dropout", "label_smoothing",
                     "scheduled_sampling"):  # fmt: skip
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give 0 or more, and below 1")
        if self.image_size < 32 or self.image_size % 32:
            raise InputError(f"image_size is {self.image_size}: give a multiple of 32")

    @property
    def cells(self) -> int:
        """Cells of the feature grid on a side; MobileNetV2 halves a photo five times."""
        return self.image_size // 32


PRESETS = {
    "tiny": CaptioningConfig(
        image_size=96,
        alpha=0.35,
        min_count=1,
        embedding=32,
        grid_units=48,
        units=64,
        attention_units=32,
        embedding_dropout=0,
        grid_dropout=0,
        output_dropout=0,
        label_smoothing=0,
        length=16,
    ),
    "flickr8k": CaptioningConfig(),
    "flickr8k-up-down": CaptioningConfig(decoder="up-down", units=320),
    "flickr8k-subwords": CaptioningConfig(tokens="subwords", vocabulary=2500),
}
