"""Models that write their reading token by token: TrOCR (family `trocr`) and vision-language models (family `vlm`)."""
