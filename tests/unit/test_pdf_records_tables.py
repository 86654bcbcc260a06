"""Products from tables: heads, merged cells, families, continued pages, and what gives none."""

from pdfjobs.reading.model import Table
from pdfjobs.records import classify, read_records

from .pdf_content import page, ruled, words_at

HEAD = ["Code", "Name", "Size", "Price €/m²"]
ROWS = [
    ["TR-6060", "Travertine", "60x60 cm", "32,50"],
    ["TR-3060", "Travertine", "30x60 cm", "29,90"],
]


def values(*tables, carried=None, words=None):
    return [record.values for record in read_records(page(*tables, words=words), carried).records]


def test_rows_below_a_head_are_products_with_the_box_of_each_value():
    table = ruled([HEAD, *ROWS])
    found = read_records(page(table), None)
    first = found.records[0]
    assert first.values == {
        "sku": "TR-6060", "name": "Travertine", "size": "60x60 cm", "price": "32,50",
        "currency": "EUR", "unit": "m2",
    }  # fmt: skip
    assert first.boxes["price"] == table.rows[1][3].box
    assert first.boxes["currency"] == table.rows[0][3].box
    assert len(found.records) == 2
    assert classify(page(table)) == "table"


def test_a_head_of_two_lines_below_a_banner():
    rows = [
        ["ROMA", None, None, None, None],
        ["Item", "Description", "Dimensions", None, "Price"],
        ["code", "^", "W (cm)", "L (cm)", "EUR"],
        ["R10", "Roma beige", "60", "120", "45.00"],
    ]
    assert values(ruled(rows)) == [
        {"sku": "R10", "name": "Roma beige", "width": "60 cm", "height": "120 cm",
         "price": "45.00", "currency": "EUR", "category": "ROMA"}
    ]  # fmt: skip


def test_the_first_of_two_prices_counts():
    rows = [
        ["Code", "Name", "Price", None],
        ["^", "^", "matt", "polished"],
        ["A-100", "Stone", "10,00", "12,00"],
    ]
    assert values(ruled(rows)) == [
        {"sku": "A-100", "name": "Stone", "price": "10,00", "attribute.price_polished": "12,00"}
    ]


def test_a_merged_cell_holds_for_all_its_rows():
    rows = [HEAD, ["A-1", "Oak", "20x120", "40"], ["A-2", "^", "20x180", "^"]]
    second = values(ruled(rows))[1]
    assert (second["name"], second["price"]) == ("Oak", "40")


def test_section_rows_and_repeated_heads():
    rows = [
        HEAD, ["Matt tiles", None, None, None], ROWS[0],
        HEAD, ["Glossy tiles", None, None, None], ROWS[1],
    ]  # fmt: skip
    assert [row["category"] for row in values(ruled(rows))] == ["Matt tiles", "Glossy tiles"]


def test_the_heading_above_names_a_table_without_names():
    table = ruled([["Code", "Size", "Price"], ["A-1", "60x60", "10"]])
    found = read_records(page(table, words=words_at("CARRARA", 50, 70, 16)), None)
    assert found.records[0].values["name"] == "CARRARA"
    assert found.records[0].boxes["name"] == [50, 70, 106, 86]


def test_a_table_goes_on_without_a_head_and_with_its_family():
    first = read_records(page(ruled([HEAD, ["Matt tiles", None, None, None], ROWS[0]])), None)
    mirrored = page(ruled([ROWS[1]], top=40, left=70), number=3)
    second = read_records(mirrored, first.head)
    assert second.records[0].values["sku"] == "TR-3060"
    assert second.records[0].values["category"] == "Matt tiles"
    assert second.records[0].values["currency"] == "EUR"
    assert "currency" not in second.records[0].boxes
    assert second.head is not None
    assert read_records(mirrored, None).records == []


def test_a_head_is_carried_only_to_a_table_of_the_same_columns():
    first = read_records(page(ruled([HEAD, *ROWS])), None)
    other = page(ruled([["TR-1", "Stone", "60x60"]]))
    assert read_records(other, first.head).records == []
    prose = page(words=words_at("Conditions of sale and delivery", 50, 100))
    assert read_records(prose, first.head).head is None


def test_cells_of_several_lines_are_several_products_where_all_agree():
    rows = [HEAD, ["TR-60\nTR-90", "Travertine", "60x60\n90x90", "30\n40"]]
    found = read_records(page(ruled(rows)), None).records
    assert [(r.values["sku"], r.values["price"]) for r in found] == [
        ("TR-60", "30"),
        ("TR-90", "40"),
    ]
    assert found[0].boxes["sku"][3] == found[1].boxes["sku"][1] == 130


def test_cells_whose_lines_do_not_agree_are_left_out_with_a_warning():
    rows = [HEAD, ["TR-60\nTR-90", "Travertine", "60x60\n90x90\n30x30", "30"], ROWS[0]]
    found = read_records(page(ruled(rows)), None)
    assert [record.values["sku"] for record in found.records] == ["TR-6060"]
    assert found.warnings == ["Several codes in one row that cannot be told apart: TR-60, TR-90"]


def test_a_code_broken_over_lines_is_one_code():
    rows = [HEAD, ["TRAVERTINE-\n6060", "Travertine", "60x60", "30"]]
    assert values(ruled(rows))[0]["sku"] == "TRAVERTINE-6060"


def test_empty_words_leave_values_out():
    rows = [HEAD, ["A-10", "Oak", "-", "on request"], ROWS[0]]
    assert values(ruled(rows))[0] == {"sku": "A-10", "name": "Oak"}


def test_other_columns_become_attributes_by_their_titles():
    rows = [["Code", "Name", "Price", "Slip class"], ["A-10", "Oak", "10", "R10"]]
    assert values(ruled(rows))[0]["attribute.slip_class"] == "R10"


def test_sums_and_notes_are_no_products():
    rows = [HEAD, ROWS[0], ["Total", "", "", "32,50"], ["Prices without VAT.", None, None, None]]
    assert len(values(ruled(rows))) == 1


def test_tables_of_figures_give_nothing():
    tests = ruled([["Property", "Test method", "Value", "Size"], ["Load", "EN 14411", "35", "60"]])
    votes = ruled([["En accord", "Neutre", "Total"], ["157", "60", "217"]])
    errors = ruled([["Code", "Description"], ["1", "Pump blocked"], ["2", "No water"]])
    names = ruled([["Name", "Description"], ["Anna", "Sales"], ["Boris", "Export"]])
    for table in (tests, votes, errors, names):
        assert values(table) == []


def aligned(rows, top=100.0):
    lefts = (50, 150, 320, 450)
    return [
        word
        for number, row in enumerate(rows)
        for left, text in zip(lefts, row, strict=True)
        for word in words_at(text, left, top + 15 * number)
    ]


def test_a_table_without_lines_is_read_by_the_places_of_its_words():
    words = aligned([HEAD, *ROWS]) + words_at("All prices are recommendations only.", 50, 250)
    found = read_records(page(words=words), None).records
    assert [record.values["sku"] for record in found] == ["TR-6060", "TR-3060"]
    assert found[1].values["price"] == "29,90"
    assert found[1].boxes["price"] == [450, 130, 475, 140]


def test_prose_with_a_title_word_is_no_table():
    words = words_at("The price and the size of each code", 50, 100)
    words += words_at("are printed on page 12 of the catalogue", 50, 115)
    assert read_records(page(words=words), None).records == []


def test_two_tables_side_by_side_in_one():
    rows = [["Code", "Name", "Price"] * 2, ["A-1", "Oak", "10", "A-2", "Ash", "12"]]
    found = values(ruled(rows))
    assert [(row["sku"], row["name"], row["price"]) for row in found] == [
        ("A-1", "Oak", "10"),
        ("A-2", "Ash", "12"),
    ]


def test_a_table_without_cells_goes_on_from_nothing():
    words = aligned([HEAD, *ROWS])
    head = read_records(page(words=words), None).head
    assert head is not None
    assert read_records(page(Table([0, 0, 9, 9], [[], []])), head).records == []
