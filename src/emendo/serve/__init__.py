"""The service: readings for other programs, by threads behind a bounded queue, over HTTP."""
