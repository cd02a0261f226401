"""Nothing heavy is imported before it is used: listing, planning and judging stay quick."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import harness

HEAVY = (
    "torch", "transformers", "diffusers", "torchmetrics", "detoxify", "mlflow", "ray",
    "pyarrow", "pandas", "scipy.stats", "jieba",
)  # fmt: skip
ROOT = Path(harness.__file__).parent
MODULES = sorted(
    ".".join(["harness", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(
        ".__init__"
    )
    for path in ROOT.rglob("*.py")
    if path.name != "__main__.py"
)
# Forks for each import, so that each module is the first of ours in its process. What many
# of them need and is not heavy is there before: reading it 300 times takes half a minute.
EACH_ALONE = """
import importlib, json, os, sys
import numpy, pydantic, yaml
heavy, modules = json.loads(sys.argv[1]), json.loads(sys.argv[2])
if found := [name for name in [*heavy, "harness"] if name in sys.modules]:
    print("before any", *found, flush=True)
for module in modules:
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            sys.exit(f"{module} cannot be imported alone")
        continue
    importlib.import_module(module)
    if found := [name for name in heavy if name in sys.modules]:
        print(module, *found, flush=True)
    os._exit(0)
"""


def python(code: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_module_alone_imports_anything_heavy() -> None:
    assert len(MODULES) > 90
    assert python(EACH_ALONE, json.dumps(HEAVY), json.dumps(MODULES)) == ""


def test_the_probe_sees_a_heavy_import() -> None:
    found = python(EACH_ALONE, json.dumps(["colorsys"]), json.dumps(["colorsys", "abc"]))
    assert found == "colorsys colorsys\n"


def test_importing_the_package_loads_none_of_its_rooms() -> None:
    found = python(
        "import sys, harness; print([m for m in sys.modules if m.startswith('harness.')])"
    )
    assert found == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["gate", "--help"], ["list", "scorers"], ["validate", "{suite}", "{policy}"]],
)
def test_a_command_that_runs_nothing_imports_nothing_heavy(arguments: list[str]) -> None:
    shipped = {
        "{suite}": str(ROOT.parent / "suites" / "quickstart.yaml"),
        "{policy}": str(ROOT.parent / "policies" / "quickstart.yaml"),
    }
    code = (
        "import json, sys; from harness.cli import main; code = main(sys.argv[2:]);"
        "found = [m for m in json.loads(sys.argv[1]) if m in sys.modules];"
        "sys.exit(code or bool(found) and f'imported {found}')"
    )
    python(code, json.dumps(HEAVY), *(shipped.get(a, a) for a in arguments))
