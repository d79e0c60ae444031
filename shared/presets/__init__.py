"""Trained models: presets, which train writes, and bundles, which export makes of them.

`store` is the format of a preset's folder, `bundle` that of a bundle's, `catalog` finds them by
name, `open` puts one on a backend. Nothing here imports TensorFlow until a Keras model is needed.
"""
