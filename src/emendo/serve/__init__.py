"""Where models are in use: what runs beside them once they are released."""
