"""The layers that all applications share; Keras 3 on TensorFlow."""

from shared.layers.attention import BahdanauAttention, LuongAttention
from shared.layers.decoder import AttentionDecoder
from shared.layers.fused_lstm import portable
from shared.layers.lstm import LSTM, StackedLSTM
from shared.layers.lstm_cell import GATES, LSTMCell
from shared.layers.mixture import MixtureDensity
from shared.layers.window import GaussianWindow
from shared.layers.window_lstm import WindowLSTM

__all__ = [
    "GATES",
    "LSTM",
    "AttentionDecoder",
    "BahdanauAttention",
    "GaussianWindow",
    "LSTMCell",
    "LuongAttention",
    "MixtureDensity",
    "StackedLSTM",
    "WindowLSTM",
    "portable",
]
