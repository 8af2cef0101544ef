"""What Parley costs, measured. Figures are in docs/layer.md."""
