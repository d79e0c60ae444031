"""Image captioning: a convolutional network sees, an LSTM with attention says what."""
