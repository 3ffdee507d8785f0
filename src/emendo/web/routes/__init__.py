"""The routes, by what they show: each module adds its own, a few lines over the library."""
