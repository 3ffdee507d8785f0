"""The family `crnn`: a small line network that starts from random weights, for licence plates above all."""
