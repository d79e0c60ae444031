"""Export of trained models to ``.tflite`` bundles, with numerical and task-level checks."""
