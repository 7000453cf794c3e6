"""Recording every pipeline and agent of this process."""

from __future__ import annotations

from threadline.haystack.enabling import disable as detach
from threadline.haystack.enabling import enable as attach

__all__ = ["attach", "detach"]
