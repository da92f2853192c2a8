"""The account."""

from services.account import Account


def test_most_is_a_share_of_the_equity() -> None:
    """A hundredth of a thousand."""
    assert Account(1000.0, 0.01).most() == 10.0
