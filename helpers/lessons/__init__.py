"""What lessons keep for later ones, one module a subject; made by `python -m tools.notebooks export`; edit the notebooks."""
