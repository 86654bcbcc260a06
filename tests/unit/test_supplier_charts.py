"""Figures of days become lines: in percent and pixels, and in words."""

from datetime import date, timedelta

import pytest

from jobtracker.catalogue.models import SupplierCoverage
from jobtracker.suppliers import charts

DAY = date(2026, 3, 2)  # a Monday


def row(days: int, active: int = 100, **having: int) -> SupplierCoverage:
    figures = dict.fromkeys(charts.LABELS, 0) | having
    return SupplierCoverage(
        supplier_id=1, day=DAY + timedelta(days), active=active, inactive=0, **figures
    )


@pytest.mark.parametrize(
    ("number", "of", "said"),
    [(0, 0, ""), (0, 9, "0 %"), (9, 9, "100 %"), (1, 1000, "1 %"), (9999, 10000, "99 %")],
)
def test_nothing_and_all_are_said_only_where_they_are_exact(number, of, said):
    assert charts.percent(number, of) == said


def test_a_line_runs_from_the_first_day_to_the_last():
    shown = charts.points([row(10, price=100), row(5, price=50), row(0, price=0)])
    price = charts.draw(shown)[0]
    assert price.segments == [(0.0, 60.0, 50.0, 32.0), (50.0, 32.0, 100.0, 4.0)]
    assert price.last == (100.0, 4.0)
    assert (price.label, price.share, price.note) == ("Price", "100 %", "0 % on 2 Mar 2026")
    assert price.said == "Price: 100 %; 0 % on 2 Mar 2026"


def test_one_day_is_a_point_and_says_no_change():
    price = charts.draw(charts.points([row(0, price=25)]))[0]
    assert (price.segments, price.last, price.note) == ([], (100.0, 46.0), "")


def test_days_without_an_active_material_have_no_share():
    shown = charts.points([row(1, active=0), row(0, price=100)])
    assert len(shown) == 2
    assert shown[-1].said == ["", "", "", "", ""]
    price = charts.draw(shown)[0]
    assert (price.segments, price.share, price.note) == ([], "100 %", "on 2 Mar 2026")
    assert price.said == "Price: 100 % on 2 Mar 2026"
    before = charts.points([row(2, active=0), row(1, price=100), row(0, price=0)])
    price = charts.draw(before)[0]
    assert price.note == "on 3 Mar 2026; 0 % on 2 Mar 2026"
    assert price.said == "Price: 100 % on 3 Mar 2026; 0 % on 2 Mar 2026"
    assert charts.draw(charts.points([row(0, active=0)])) == []
    assert charts.draw(charts.points([])) == []


def test_many_days_are_drawn_by_week_each_by_its_last_day():
    rows = [row(days) for days in range(100, -1, -1)]
    shown = charts.points(rows)
    assert [point.row.day for point in shown[:2]] == [DAY + timedelta(6), DAY + timedelta(13)]
    assert shown[-1].row.day == DAY + timedelta(100)
    assert len(shown) == 15


def test_what_is_older_than_a_year_is_not_drawn():
    assert [point.row.day for point in charts.points([row(400), row(30)])] == [DAY + timedelta(400)]
