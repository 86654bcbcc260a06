"""Plans: what is taken, what is refused in which words, and when they run beside changed clocks."""

from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobtracker.plans import Plan, PlanError, zones

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def runs(cron: str, zone: str, after: datetime, count: int = 4) -> list[str]:
    return [f"{run:%d %H:%M %z}" for run in Plan(cron, zone).upcoming(after, count)]


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "A plan has five fields, minute hour day month weekday, such as '0 6 * * MON-FRI';"),
        ("@daily", "'@DAILY' has 1."),
        ("0 0 6 * * 1", "has 6."),
        ("60 * * * *", "The minute '60' cannot be read: minutes are 0 to 59"),
        ("0 25 * * *", "The hour '25' cannot be read: hours are 0 to 23, written as 6, 8-18"),
        ("0 6 32 * *", "The day of month '32' cannot be read: days are 1 to 31"),
        ("0 6 * 13 *", "The month '13' cannot be read: months are 1 to 12 or JAN to DEC"),
        ("0 6 * * MONDAY", "The day of week 'MONDAY' cannot be read"),
        ("0 6 30 2 *", "Month 2 has no day 30."),
        ("*/0 * * * *", "The minute '*/0' cannot be read"),
        ("0 " * 70, "A plan has at most 120 characters"),
    ],
)
def test_a_sentence_names_what_is_wrong(cron, said):
    with pytest.raises(PlanError) as refused:
        Plan(cron)
    assert said in str(refused.value)


@pytest.mark.parametrize("zone", ["", "Mars/Base", "localtime", "/etc/passwd", "../UTC"])
def test_a_zone_is_one_of_the_iana_list(zone):
    with pytest.raises(PlanError, match="is no time zone of the IANA list, such as Europe/Athens"):
        Plan("0 6 * * *", zone)


def test_spaces_and_small_letters_do_not_matter():
    assert Plan("  0  6 * * mon-fri ", " Europe/Athens ") == Plan(
        "0 6 * * MON-FRI", "Europe/Athens"
    )
    assert Plan("0 6 * * mon-fri").said == "At 06:00 on Monday through Friday"


def test_the_next_runs_go_by_the_clock_of_the_zone():
    assert runs("0 6 * * MON-FRI", "Europe/Athens", NOW) == [
        "25 06:00 +0200",
        "26 06:00 +0200",
        "27 06:00 +0200",
        "30 06:00 +0200",
    ]
    assert Plan("0 6 * * *", "Asia/Tokyo").next(NOW) == datetime(2026, 11, 24, 21, tzinfo=UTC)


def test_a_run_at_this_very_moment_is_over():
    assert Plan("30 12 * * *").next(NOW) == datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


def test_what_falls_into_the_gap_of_spring_follows_it():
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert runs("30 2 * * *", "Europe/Berlin", before, 2) == ["29 03:00 +0200", "30 02:30 +0200"]
    # Both of these fall on the same moment there.
    assert runs("0 2,3 * * *", "Europe/Berlin", before, 2) == ["29 03:00 +0200", "30 02:00 +0200"]


def test_what_comes_twice_in_autumn_runs_once():
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert runs("30 2 * * *", "Europe/Berlin", before, 2) == ["25 02:30 +0200", "26 02:30 +0100"]
    # Asked in the second of the two hours: the first 02:30 is over.
    within = datetime(2026, 10, 25, 2, 10, tzinfo=berlin, fold=1)
    assert runs("30 2 * * *", "Europe/Berlin", within, 1) == ["26 02:30 +0100"]


def test_what_goes_by_elapsed_time_has_both_hours():
    before = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
    assert runs("*/30 * * * *", "Europe/Berlin", before) == [
        "25 02:00 +0200",
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
    ]


WORDS = st.text(alphabet="0123456789*/,-#LWMONSUJAhx\x00é ", max_size=30)


@settings(max_examples=300, deadline=None)
@given(WORDS)
def test_any_text_is_a_plan_or_a_sentence(text):
    try:
        plan = Plan(text)
    except PlanError:
        return
    assert plan.next(NOW) > NOW


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 1-3 * * *", "15 */2 * * *", "0 0 L * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
)
def test_runs_always_come_later(cron, zone, moment):
    coming = [run.astimezone(UTC) for run in islice(Plan(cron, zone).after(moment), 6)]
    assert all(early < late for early, late in pairwise([moment, *coming]))


def test_the_list_has_no_name_of_the_host_alone():
    assert {"UTC", "Europe/Athens"} <= zones()
    assert not {"localtime", "Factory"} & zones()
