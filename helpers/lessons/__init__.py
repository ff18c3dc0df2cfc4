"""What lessons keep for later ones; made by `python -m tools.notebooks export`; edit notebooks."""
