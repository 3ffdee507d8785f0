"""Labelling: what a person is shown line by line, and what becomes of what they say."""
