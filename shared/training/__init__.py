"""Training. All applications use the loop in `shared.training.fit`.

`FitOptions` imports neither Keras nor TensorFlow; the loop does.
"""

from shared.training.options import FitOptions

__all__ = ["FitOptions"]
