"""docs/adding-a-provider.md, followed to the letter: its files put into a checkout, and the laws run over them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
GUIDE: Final = ROOT / "docs" / "adding-a-provider.md"
FILES: Final = re.compile(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def checkout(folder: Path) -> None:
    """Copy what the laws need, without what was made by running."""
    made = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in ("policy", "proxy", "tests/providers"):
        shutil.copytree(ROOT / part, folder / part, ignore=made)
    for file in ("pyproject.toml", "tests/conftest.py", "tests/documented.py"):
        shutil.copy(ROOT / file, folder / file)


def run(folder: Path, *command: str) -> str:
    """Run a tool in the checkout and give what it says; it must succeed."""
    ran = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_provider_is_added_as_the_guide_says(tmp_path: Path) -> None:
    """The guide's two files pass every law, and the checks of style, as they stand."""
    checkout(tmp_path)
    written = dict(FILES.findall(GUIDE.read_text()))
    assert list(written) == ["proxy/providers/acme.py", "tests/providers/acme.py"]
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    run(tmp_path, "ruff", "check", *written)
    run(tmp_path, "ruff", "format", "--check", *written)
    run(tmp_path, "mypy", "proxy/providers/acme.py")
    told = run(tmp_path, "pytest", "tests/providers", "-k", "acme", "-p", "no:cacheprovider", "-rN", "--no-header")
    assert re.search(r"\[100%\]", told)
    assert told.count(".") > 50
