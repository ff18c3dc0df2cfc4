"""What lessons keep for later ones, one module a subject; made from the notebooks."""
