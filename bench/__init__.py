"""What Parley costs, measured. Figures are in docs/layer.md."""

import project  # noqa: F401  # its shims come before the pinned stack
