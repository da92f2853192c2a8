"""The account that everything is measured by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """Money, and how much of it one order may risk."""

    equity: float
    risk: float

    def most(self) -> float:
        """The most that one order may lose."""
        return self.equity * self.risk
