"""Positions of a small shop: what the demo's agent works on."""


def position_size(balance: float, risk: float, stop: float) -> float:
    """Units to buy so that a fall by `stop` loses `risk` of `balance`."""
    if stop <= 0:
        raise ValueError("stop must be above zero")
    return round(balance * risk / stop, 6)
