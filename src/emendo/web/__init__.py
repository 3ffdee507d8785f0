"""The page in which people correct: a thin face over `emendo.label`."""
