"""The sizes of a captioning model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import InputError, check_range

BACKBONES = ("mobilenetv2", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
DECODERS = ("soft-attention", "up-down")
FITS = ("squash", "pad")
TOKENS = ("words", "subwords")
FIRST_LANGUAGE = "en"


@dataclass(frozen=True)
class CaptioningConfig:
    """The sizes of a captioning model, saved as JSON beside the weights.

    Args:
        image_size: Width and height of the CNN encoder's input, in pixels, a multiple of 32.
        fit: How a photo becomes square: "squash" scales both sides, "pad" scales the longer one
            and centers the photo on grey.
        backbone: The CNN encoder, MobileNetV2 (Sandler et al. 2018) or an EfficientNet-Lite.
        alpha: Width multiplier of MobileNetV2.
        cut: The layer of the CNN encoder up to which it is always frozen. Its output is cached.
        tune: Fine-tune the layers after the cut, except batch normalization.
        tokens: What the vocabulary consists of; "subwords" are learned by byte-pair encoding.
        languages: Languages of the captions; the first one is the default.
        vocabulary: The most tokens, the special ones included; in training, of each language.
        min_count: A word must occur this often in the training captions to be a token.
        decoder: "soft-attention" is one LSTM layer (Xu et al. 2015), "up-down" two with the
            attention between them (Anderson et al. 2018).
        embedding: Width of the token embeddings, which the softmax shares (Press and Wolf 2017).
        grid_units: Width to which each cell of the feature grid is projected.
        units: Width of each LSTM layer.
        attention_units: Width of the hidden layer of the additive attention.
        cell: Options of `shared.layers.LSTMCell`.
        embedding_dropout: Dropout rate of the embeddings.
        grid_dropout: Dropout rate of the channels of the projected grid. A channel is dropped in
            all cells, because its mean alone tells one training photo from another.
        output_dropout: Dropout rate before the softmax.
        label_smoothing: Share of the target's probability that is spread over all tokens.
        scheduled_sampling: Share of the input tokens that the model samples itself in training
            (Bengio et al. 2015).
        attention_penalty: Weight of doubly stochastic attention, which has a caption attend to
            all cells about equally (Xu et al. 2015, eq. 14).
        length: The most tokens of a caption, without the end. Longer ones are not trained on.

    Raises:
        InputError: A value is unknown or out of range.
    """

    image_size: int = 224
    fit: str = field(default="squash", metadata={"choices": FITS})
    backbone: str = field(default="mobilenetv2", metadata={"choices": BACKBONES})
    alpha: float = 1.0
    cut: str = "out_relu"
    tune: bool = False
    tokens: str = field(default="words", metadata={"choices": TOKENS})
    languages: tuple[str, ...] = field(default=(FIRST_LANGUAGE,), metadata={"option": False})
    vocabulary: int = 4000
    min_count: int = 5
    decoder: str = field(default="soft-attention", metadata={"choices": DECODERS})
    embedding: int = 288
    grid_units: int = 400
    units: int = 400
    attention_units: int = 256
    cell: dict[str, Any] = field(default_factory=dict, metadata={"option": False})
    embedding_dropout: float = 0.4
    grid_dropout: float = 0.4
    output_dropout: float = 0.5
    label_smoothing: float = 0.1
    scheduled_sampling: float = 0.0
    attention_penalty: float = 0.1
    length: int = 30

    def __post_init__(self) -> None:
        """Validates the config."""
        for name, known in (("backbone", BACKBONES), ("decoder", DECODERS), ("fit", FITS),
                            ("tokens", TOKENS)):  # fmt: skip
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}: choose from {known}")
        for name in ("embedding_dropout", "grid_dropout", "output_dropout", "label_smoothing",
                     "scheduled_sampling"):  # fmt: skip
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give 0 or more, and below 1")
        for name in ("vocabulary", "min_count", "embedding", "grid_units", "units",
                     "attention_units", "length"):  # fmt: skip
            check_range(name, getattr(self, name), 1, 100_000)
        check_range("alpha", self.alpha, 0.01, 10)
        check_range("attention_penalty", self.attention_penalty, 0, 1e6)
        if self.image_size < 32 or self.image_size % 32:
            raise InputError(f"image_size is {self.image_size}: give a multiple of 32")

    @property
    def encoder(self) -> str:
        """The name of the CNN encoder in words."""
        lite = self.backbone.removeprefix("efficientnet-lite")
        return "MobileNetV2" if lite == self.backbone else f"EfficientNet-Lite{lite}"

    @property
    def cells(self) -> int:
        """Number of cells along a side of the feature grid, a 32nd of the image size."""
        return self.image_size // 32
