"""What Parley costs, measured. See docs/performance.md."""
