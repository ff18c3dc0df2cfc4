"""What the lessons use but do not teach: data, figures, the progress bar, weights, exercises, sliders.

The dependency arrows point one way: notebooks -> helpers -> (torch, torchvision, matplotlib, ipywidgets).
"""
