"""Training of models that write tokens (families `trocr` and `vlm`), by adapters or whole, on one `Seq2SeqTrainer`."""
