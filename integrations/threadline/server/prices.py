"""What models cost, as somebody told it; Threadline itself knows no prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from threadline.errors import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

_MILLION: Final = 1_000_000
_ALLOWED: Final = 'a JSON file such as {"gpt-4o": [2.5, 10]}: input and output per million tokens'


class Prices(msgspec.Struct, frozen=True):
    """Prices of input and of output per million tokens, by model."""

    by_model: dict[str, tuple[float, float]]

    @classmethod
    def read(cls, path: Path) -> Prices:
        """Read a file of prices.

        Raises:
            ArgumentError: if it is none.
        """
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[float, float]]))
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            raise ArgumentError(argument="prices", value=str(path), allowed=_ALLOWED) from error

    def cost_of(self, model: str, input_tokens: int, output_tokens: int) -> float | None:
        """Return what these tokens cost; None where nobody told.

        Example:
            >>> Prices({"m": (1.0, 4.0)}).cost_of("m", 2_000_000, 500_000)
            4.0
        """
        price = self.by_model.get(model)
        if price is None:
            return None
        return (price[0] * input_tokens + price[1] * output_tokens) / _MILLION
