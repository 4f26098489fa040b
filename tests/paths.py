"""Where things lie in the checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
HOOKS: Final = ROOT / "tests" / "hooks"
