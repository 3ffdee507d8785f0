"""The flows as Metaflow sees them: which step follows which. What a step does is a function of `flows.parts`.

Each module is a script that Metaflow runs; nothing else of emendo imports metaflow.
"""
