import os

import pytest

from relay.masks import LARGE, unmasked


def slowly(data, mask, start):
    return bytes(byte ^ mask[(start + position) % 4] for position, byte in enumerate(data))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 125, 126, 1000, LARGE - 1, LARGE, LARGE + 1, 70_000])
@pytest.mark.parametrize("start", [0, 1, 2, 3, 4, 65_537])
def test_what_comes_in_is_unmasked_wherever_it_was_cut(length, start):
    data, mask = os.urandom(length), os.urandom(4)
    assert unmasked(data, mask, start) == slowly(data, mask, start)


def test_a_mask_of_zeros_changes_nothing():
    assert unmasked(b"as it is", bytes(4), 0) == b"as it is"
