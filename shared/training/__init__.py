"""The one fit loop that trains every application.

The options alone are light and import neither Keras nor TensorFlow; the loop itself is in
`shared.training.fit`.
"""

from shared.training.options import FitOptions

__all__ = ["FitOptions"]
