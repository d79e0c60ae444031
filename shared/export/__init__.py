"""From a trained model to files that run elsewhere, checked in numbers and on the task."""
