"""The service over HTTP: everything here, and nothing below it, knows FastAPI."""
