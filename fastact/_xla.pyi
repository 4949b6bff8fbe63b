from typing import Any

HANDLER: Any  # a capsule
