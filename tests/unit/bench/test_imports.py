import subprocess
import sys

from tests.databases import ROOT

#: Imports every module but those that run as programs.
PROGRAM = """
import importlib, pkgutil
import bench

for module in pkgutil.walk_packages(bench.__path__, "bench."):
    if "peers" not in module.name and module.name.rpartition(".")[2] not in ("plain", "__main__"):
        importlib.import_module(module.name)
"""


def test_each_part_of_the_benchmark_has_the_shims_before_what_needs_them():
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=True)
