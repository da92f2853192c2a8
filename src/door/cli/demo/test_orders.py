"""Tests of orders.py."""

import unittest

from orders import position_size


class PositionSize(unittest.TestCase):
    def test_risks_the_given_share(self):
        self.assertEqual(position_size(10_000, 0.01, 5), 20)

    def test_refuses_a_stop_of_zero(self):
        with self.assertRaises(ValueError):
            position_size(10_000, 0.01, 0)


if __name__ == "__main__":
    unittest.main()
