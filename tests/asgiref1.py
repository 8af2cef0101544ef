"""
asgiref 1's own modules, as they were published: the conformance suite, and the layer in memory that projects know.

asgiref 3 has their place (`relay.compat`). `make` keeps the archive beside the packages; nothing of it is installed.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ARCHIVE = Path(sys.prefix) / "archives" / "asgiref-1.1.2-py2.py3-none-any.whl"

if not ARCHIVE.exists():
    raise FileNotFoundError("%s is missing: `make test` fetches it" % ARCHIVE)

package = sys.modules["stock_asgiref"] = ModuleType("stock_asgiref")
package.__path__ = [str(ARCHIVE / "asgiref")]

conformance = importlib.import_module("stock_asgiref.conformance")
StockLayer = importlib.import_module("stock_asgiref.inmemory").ChannelLayer
