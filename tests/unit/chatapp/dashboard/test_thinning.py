import random

import pytest

from chatapp.dashboard.thinning import thin


def test_what_is_few_stays_as_it_is_in_the_order_of_its_times():
    assert thin([(3, 1.0), (1, 2.0), (2, 3.0)], 40) == [(1, 2.0, 1), (2, 3.0, 1), (3, 1.0, 1)]
    assert thin([], 40) == []


def test_a_thousand_points_become_forty_and_every_peak_stays():
    points = [(n / 10, 0.0) for n in range(1000)]
    points[123], points[777] = (12.3, 9.5), (77.7, -4.0)
    thinned = thin(points, 40)
    assert len(thinned) <= 40
    assert {(12.3, 9.5), (77.7, -4.0)} <= {(point.at, point.value) for point in thinned}
    assert thinned[-1][:2] == points[-1]


@pytest.mark.parametrize("limit", [3, 4, 40, 300])
def test_whatever_is_thinned_nothing_is_unaccounted_for(limit):
    for seed in range(50):
        chance = random.Random(seed)
        points = [
            (chance.choice([1.0, chance.random() * 1e9]), chance.gauss(0, 9)) for _ in range(chance.randint(1, 700))
        ]
        thinned = thin(points, limit)
        assert len(thinned) <= limit
        assert sum(point.stands_for for point in thinned) == len(points)
        assert [point.at for point in thinned] == sorted(point.at for point in thinned)
        values = [value for _, value in points]
        drawn = [point.value for point in thinned]
        assert (min(drawn), max(drawn)) == (min(values), max(values))
        assert {point[:2] for point in thinned} <= set(points)


def test_points_of_one_moment_keep_their_extremes():
    assert thin([(5, float(n)) for n in range(100)], 40) == [(5, 0.0, 50), (5, 98.0, 49), (5, 99.0, 1)]
