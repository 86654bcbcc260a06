"""The mapping page: steps, further targets and defaults are edited on it, with examples."""

from urllib.parse import urlencode

import pytest

from imports import mapping_page
from imports.mapping_page import page_for
from imports.models import DataImportJob
from jobtracker.models import AuditEntry, BackgroundJob
from jobtracker.states import Status, Waiting

from .import_runs import imported, lines_of, work_off
from .pages import act, signed_in

pytestmark = pytest.mark.django_db

ROWS = """Nr;Titel;Preis;Farbe;Serie;Breite
A-1;<b>Diele</b> / Eiche;1.234,50;grau;Nord;60
A-2;Diele / Buche;99,00;weiß;Süd;30
A-3;Leiste / Ahorn;5,25;rot;Süd;15
A-4;Sockel / Esche;1.234;rot;Süd;8
"""


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


@pytest.fixture
def waiting(tmp_path, settings) -> DataImportJob:
    """A feed none of whose fields is surely anything: numbers 0 to 5."""
    feed = tmp_path / "floors.csv"
    feed.write_text(ROWS)
    settings.MAPPING_CONFIDENCE = 1.0
    job = imported(feed, "--supplier", "Holz", "--currency", "EUR")
    assert job.waiting_for == Waiting.MAPPING
    return DataImportJob.objects.get(background_job=job)


def url(found: DataImportJob, page: str = "mapping") -> str:
    return f"/admin/data-import/{found.pk}/{page}"


NOTHING = {f"target-{n}": "" for n in range(6)}
BASE = NOTHING | {"target-0": "sku", "target-1": "name", "target-2": "price", "currency": "EUR"}


def step(line: int, number: int, do: str, **values: str) -> dict[str, str]:
    begin = f"step-{line}-{number}"
    return {f"open-{line}": "1", f"{begin}-do": do} | {
        f"{begin}-{name}": value for name, value in values.items()
    }


def page_after(client, found: DataImportJob, form: dict[str, str], button: str = ""):
    answered = act(client, url(found), **form, act=button)
    assert answered.status_code == 200
    return answered.context["mapping_page"]


def line_of(page, index: int):
    return next(line for line in page.lines if line.index == index)


def run(client, found: DataImportJob, form: dict[str, str]) -> BackgroundJob:
    answered = act(client, url(found, "answer"), **form)
    assert answered.status_code == 302, answered.content.decode()
    work_off()
    return BackgroundJob.objects.get(pk=found.background_job_id)


def test_steps_are_added_filled_in_ordered_and_taken_away(operator, waiting):
    page = page_after(operator, waiting, BASE | {"add-1": "split"}, "add-1")
    (split,) = line_of(page, 1).steps
    assert (split.do, split.wrong) == ("split", "")  # it is new: nothing is wrong yet
    form = page.form | {"step-1-0-by": "/", "add-1": "take"}
    page = page_after(operator, waiting, form, "add-1")
    assert [each.do for each in line_of(page, 1).steps] == ["split", "take"]
    page = page_after(operator, waiting, page.form | {"step-1-1-part": "2"}, "up-1-1")
    assert [each.do for each in line_of(page, 1).steps] == ["take", "split"]
    page = page_after(operator, waiting, page.form, "remove-1-0")
    assert [each.step() for each in line_of(page, 1).steps] == [{"do": "split", "by": "/"}]


def test_no_step_is_lost_however_many_there_are(operator, waiting):
    form = BASE | {name: value for n in range(30) for name, value in step(1, n, "html").items()}
    assert len(line_of(page_after(operator, waiting, form), 1).steps) == 30
    added = page_after(operator, waiting, form | {"add-1": "html"}, "add-1")
    assert len(line_of(added, 1).steps) == 31


def test_the_first_records_show_what_becomes_of_them(operator, waiting):
    form = BASE | step(1, 0, "html") | step(1, 1, "split", by="/") | step(1, 2, "take", part="1")
    examples = line_of(page_after(operator, waiting, form), 1).examples
    assert [(each.before, each.after) for each in examples] == [
        ("<b>Diele</b> / Eiche", "Diele"),
        ("Diele / Buche", "Diele"),
        ("Leiste / Ahorn", "Leiste"),
    ]
    prices = line_of(page_after(operator, waiting, BASE | {"open-2": "1"}), 2).examples
    assert [each.after for each in prices] == ["1234.50", "99.00", "5.25"]
    joined = BASE | {"target-3": "finish"} | step(3, 0, "join", by=", ", **{"fields-0": "Serie"})
    assert line_of(page_after(operator, waiting, joined), 3).examples[0].after == "grau, Nord"
    wrong = line_of(page_after(operator, waiting, BASE | {"target-3": "price", "target-2": "",
                                                          "open-3": "1"}), 3)  # fmt: skip
    assert wrong.examples[0].wrong


def test_examples_of_patterns_that_run_wild_end_in_time(operator, waiting, monkeypatch):
    monkeypatch.setattr(mapping_page, "SECONDS", -1.0)
    page = page_after(operator, waiting, BASE | step(1, 0, "regex", find="e") | {"open-3": "1"})
    assert line_of(page, 1).wrong == mapping_page.TOO_SLOW
    assert line_of(page_after(operator, waiting, BASE | {"open-1": "1"}), 1).examples


def test_what_is_wrong_stands_at_its_step(operator, waiting):
    form = BASE | step(1, 0, "html") | step(1, 1, "regex", find="(")
    page = page_after(operator, waiting, form)
    assert [bool(each.wrong) for each in line_of(page, 1).steps] == [False, True]
    for name in ("answer", "preview"):
        answered = act(operator, url(waiting, name), **form)
        assert answered.status_code == 400
        said = answered.content.decode()
        assert "step 2 (Find and replace by a pattern): the expression cannot be read" in said
        assert line_of(answered.context["mapping_page"], 1).steps[1].values["find"] == "("
        assert 'href="#line-1"' in said
    assert BackgroundJob.objects.get().waiting_for == Waiting.MAPPING


def test_the_run_obeys_the_steps(operator, waiting):
    form = BASE | {"target-3": "colour", "target-5": "width"}
    form |= step(1, 0, "html") | step(1, 1, "split", by="/") | step(1, 2, "take", part="2")
    form |= step(3, 0, "replace", table="grau = grey\nweiß = white", otherwise="drop")
    form |= step(5, 0, "unit", unit="cm")
    job = run(operator, waiting, form)
    assert job.status == Status.COMPLETED
    lines = lines_of()
    first, last = lines["A-1"], lines["A-3"]
    assert (first["name"], first["colour"], first["size"]["width_mm"]) == ("Eiche", "grey", 600)
    assert last.get("colour") is None
    shown = operator.get(url(waiting)).content.decode()
    assert "Replace values" in shown
    entry = AuditEntry.objects.get(action="answer mapping")
    assert entry.actor_name == "operators"


def test_a_field_feeds_several_targets(operator, waiting):
    page = page_after(operator, waiting, BASE, "also-1")
    further = next(line for line in page.lines if line.extra)
    assert (further.source, further.index) == ("Titel", 6)
    form = page.form | {"target-6": "finish"} | step(6, 0, "split", by="/")
    form |= step(6, 1, "take", part="2")
    dropped = page_after(operator, waiting, form, "drop-6")
    assert not any(line.extra for line in dropped.lines)
    run(operator, waiting, form)
    assert (lines_of()["A-2"]["name"], lines_of()["A-2"]["finish"]) == ("Diele / Buche", "Buche")


def test_a_further_target_may_take_the_values_as_they_stand(operator, waiting):
    form = BASE | {"source-6": "Serie", "target-6": "finish", "target-4": "brand"}
    form |= {"source-7": "Preis", "target-7": "stock", "transform-7": "number, 1.234,5"}
    run(operator, waiting, form)
    line = lines_of()["A-4"]
    assert (line["brand"], line["finish"], line["stock"]) == ("Süd", "Süd", 1234)


def test_two_fields_for_one_target_are_said_to_be_wrong(operator, waiting):
    form = BASE | {"source-6": "Farbe", "target-6": "name"}
    answered = act(operator, url(waiting, "answer"), **form)
    assert answered.status_code == 400
    assert "Two fields feed name" in answered.content.decode()


def test_defaults_fill_gaps_and_are_marked(operator, waiting):
    run(operator, waiting, BASE | {"default-brand": "Nordholz", "default-unit": "m2"})
    line = lines_of()["A-1"]
    assert (line["brand"], line["unit"], line["currency"]) == ("Nordholz", "m2", "EUR")
    assert line["provenance"]["brand"] == {"raw": "Nordholz", "method": "default"} | {
        name: value for name, value in line["provenance"]["brand"].items() if name == "line"
    }
    shown = operator.get(url(waiting)).content.decode()
    assert 'Nordholz <span class="jt-tag">default</span>' in shown


@pytest.mark.parametrize(("mark", "price"), [(",", "1234"), (".", "1.234")])
def test_the_decimal_mark_holds_for_the_whole_feed(operator, waiting, mark, price):
    run(operator, waiting, BASE | {"decimal": mark})
    assert lines_of()["A-4"]["price"] == price


def test_the_mark_goes_into_steps_that_say_none(operator, waiting):
    form = BASE | step(2, 0, "regex", find="x") | {"decimal": ","}
    run(operator, waiting, form)
    (price,) = [each for each in DataImportJob.objects.get().field_mappings["fields"]
                if each["target"] == "price"]  # fmt: skip
    assert price["transform"][-1] == {"do": "decimal", "mark": ","}


def test_a_way_to_read_becomes_a_step_where_steps_begin(operator, waiting):
    form = BASE | {"target-5": "width", "transform-5": "length, cm", "add-5": "html"}
    page = page_after(operator, waiting, form, "add-5")
    assert [each.do for each in line_of(page, 5).steps] == ["unit", "html"]
    assert line_of(page, 5).steps[0].step() == {"do": "unit", "unit": "cm"}


def test_steps_of_a_format_that_were_taken_away_stay_away(operator):
    from .test_import_profiles import FEEDS

    job = imported(FEEDS / "shopify.csv", "--supplier", "Weaver")
    found = DataImportJob.objects.get(background_job=job)
    page = page_for(found, job)
    grams = next(line for line in page.lines if line.source == "Variant Grams")
    form = {name: value for name, value in page.form.items()
            if not name.startswith(f"step-{grams.index}-")}  # fmt: skip
    run(operator, found, form | {"currency": "EUR"})
    fields = DataImportJob.objects.get().field_mappings["fields"]
    assert next(each for each in fields if each["source"] == "Variant Grams")["transform"] == []


FORM = "application/x-www-form-urlencoded"
BUTTONS = ["", "x", "up-1-0", "remove-1-9", "add-99", "drop-0", "add-1-2-3", "also--1", "open-9e9"]


@pytest.mark.parametrize("button", [*BUTTONS, "open-99999999999999999999", f"open-{'9' * 5000}"])
def test_a_button_of_another_page_does_nothing(operator, waiting, button):
    form = BASE | step(1, 0, "html")
    assert (
        page_after(operator, waiting, form, button).form == page_after(operator, waiting, form).form
    )


def test_the_form_goes_through_the_preview_whole(operator, waiting):
    form = BASE | {"target-3": "colour", "default-brand": "Nordholz", "decimal": ","}
    form |= step(3, 0, "replace", table="grau = grey\nrot = red") | {"remember": "1"}
    form |= {"source-6": "Titel", "target-6": "finish"} | step(6, 0, "html")
    previewed = act(operator, url(waiting, "preview"), **form)
    assert previewed.context["shown"].outcome.created == 4
    borne = previewed.context["filled"]
    assert {name: borne[name] for name in form} == form
    answered = act(operator, url(waiting, "answer"), **borne)
    assert answered.status_code == 302
    work_off()
    assert lines_of()["A-1"]["colour"] == "grey"


def test_one_page_asks_for_the_price_and_its_currency(operator, tmp_path):
    feed = tmp_path / "floors.csv"
    feed.write_text("sku;name;price_net;price_gross\nA-1;Diele;5,25;6,25\nA-2;Leiste;7,10;8,50\n")
    job = imported(feed, "--supplier", "Holz")
    found = DataImportJob.objects.get(background_job=job)
    assert job.waiting_for == Waiting.MAPPING
    shown = operator.get(url(found))
    said = [each["text"] for each in job.question["questions"]]
    assert "The prices name no currency. Which one is it?" in said
    assert " ".join(said) in shown.content.decode()
    form = shown.context["mapping_page"].form | {"choice-price": "price_gross"}
    page = page_after(operator, found, form)  # the choice goes before the lists
    assert [line.target for line in page.lines] == ["sku", "name", "", "price"]
    assert [chosen for *_, chosen in page.choices] == ["price_gross"]
    further = {"target-3": "stock", "source-4": "price_gross", "target-4": "price"}
    page = page_after(operator, found, form | further)
    assert [line.target for line in page.lines] == ["sku", "name", "", "stock", "price"]
    refused = act(operator, url(found, "answer"), **form)
    assert (refused.status_code, refused.context["wrong"]) == (400, said[-1])
    assert run(operator, found, form | {"currency": "EUR"}).status == Status.COMPLETED
    assert (lines_of()["A-1"]["price"], lines_of()["A-1"]["currency"]) == ("6.25", "EUR")


def test_what_no_database_takes_is_left_out_or_refused(operator, waiting):
    kept = {"step-1-0-do": "pairs", "step-1-0-kept": r'{"do": "pairs", "names": "\u0000"}'}
    answered = act(operator, url(waiting, "answer"), **BASE, **kept)
    assert (answered.status_code, "holds a NUL" in answered.content.decode()) == (400, True)
    form = BASE | {"target-3": "attribute.a\0b"} | step(1, 0, "split", by="\0/")
    run(operator, waiting, form)
    assert lines_of()["A-1"]["attributes"]["ab"] == "grau"


@pytest.mark.parametrize("other", [{"decimal": "x"}, {f"source-{'9' * 5000}": "Titel"}])
def test_what_no_form_of_ours_holds_is_left_out(operator, waiting, other):
    token = operator.get("/admin/async-queue-monitor").context["csrf_token"]
    form = BASE | other | {"csrfmiddlewaretoken": str(token)}
    previewed = operator.post(url(waiting, "preview"), urlencode(form), FORM)
    assert previewed.context["shown"].outcome.created == 4


def test_another_target_than_was_offered_bears_no_confidence(operator, waiting):
    page = page_after(operator, waiting, BASE | {"target-3": "finish"})
    offered = line_of(page, 3)
    assert (offered.offered, offered.is_as_offered) == ("colour", False)
    assert line_of(page_after(operator, waiting, BASE | {"target-3": "colour"}), 3).is_as_offered


def test_a_script_is_given_the_line_that_it_asks_for(operator, waiting):
    token = operator.get("/admin/async-queue-monitor").context["csrf_token"]
    form = BASE | step(1, 0, "html") | {"csrfmiddlewaretoken": str(token)}
    part = operator.post(url(waiting), form, headers={"hx-target": "example-1"}).content.decode()
    assert part.count("<li id=") == 1
    assert 'id="example-1"' in part
    assert "Diele / Eiche" in part
    assert 'hx-select-oob="#step-1-0-h"' in part  # whose mark goes or comes with the example
    assert '<b id="step-1-0-h">' in part
    wrong = form | step(1, 0, "split", by="")
    part = operator.post(url(waiting), wrong, headers={"hx-target": "example-1"}).content.decode()
    assert '<b id="step-1-0-h" data-wrong>' in part
    whole = operator.post(url(waiting), form, headers={"hx-target": "example-x"}).content.decode()
    assert "<html" in whole


def test_a_viewer_is_refused(client, waiting):
    viewer = signed_in(client, "Viewers")
    assert viewer.get(url(waiting)).status_code == 200
    assert act(viewer, url(waiting), **BASE, act="also-1").status_code == 403
