"""Products from card grids, and what kind each page is."""

from pdfjobs.records import classify, read_records

from .pdf_content import page, ruled, words_at


def card(x, top, *lines):
    """A picture of 100 points with lines of text below it."""
    words = []
    for number, line in enumerate(lines):
        words += words_at(line, x, top + 110 + 13 * number)
    return words, [x, top, x + 100, top + 100]


def cards(*parts, words=()):
    every = [*words, *(word for part, _ in parts for word in part)]
    return page(words=every, pictures=[picture for _, picture in parts])


def test_each_card_is_a_product_with_its_own_picture():
    grid = cards(
        card(50, 100, "A-1", "Snap Box", "400 ml"),
        card(250, 100, "A-2", "Snap Box Large", "€ 12,50 / pc", "60 x 40 cm"),
        words=words_at("FOOD BOXES", 50, 70),
    )
    first, second = read_records(grid, None).records
    assert first.values == {
        "sku": "A-1", "name": "Snap Box", "attribute.capacity": "400 ml", "category": "FOOD BOXES",
    }  # fmt: skip
    assert second.values["price"] == "€ 12,50 / pc"
    assert second.values["size"] == "60 x 40 cm"
    assert (first.picture, second.picture) == (0, 1)
    assert first.boxes["sku"] == [50, 210, 65, 220]
    assert classify(grid) == "cards"


def test_labels_name_the_values_of_a_card():
    grid = cards(
        card(50, 100, "Silk Velvet", "Art. SV-100", "Colour: Blue", "Price: 45,00 EUR"),
        card(250, 100, "Silk Satin", "Art. SV-200", "Colour: Red", "Price: on request"),
    )
    first, second = (record.values for record in read_records(grid, None).records)
    assert first == {"sku": "SV-100", "name": "Silk Velvet", "colour": "Blue", "price": "45,00 EUR"}
    assert second == {"sku": "SV-200", "name": "Silk Satin", "colour": "Red"}


def test_codes_without_pictures_and_pictures_without_codes_give_nothing():
    text = page(words=words_at("A-1", 50, 100) + words_at("Snap Box", 50, 113))
    assert read_records(text, None).records == []
    captions = cards(card(50, 100, "Tray"), card(250, 100, "Wine Glasses"))
    assert read_records(captions, None).records == []


def test_a_single_code_without_a_measure_is_no_card():
    assert read_records(cards(card(50, 100, "G20", "Summit declaration")), None).records == []


def test_kinds_of_pages():
    contents = words_at("Contents", 50, 50, 20)
    for number, line in enumerate(("Tiles", "Floors", "Fabrics")):
        contents += words_at(f"{number + 1} {line}", 50, 100 + 20 * number)
    assert classify(page(words=contents)) == "contents"
    assert classify(page()) == "empty"
    assert classify(page(words=words_at("Catalogue 2026", 50, 300, 30), number=1)) == "cover"
    prose = [word for line in range(20) for word in words_at("words " * 10, 50, 100 + 14 * line)]
    assert classify(page(words=prose)) == "prose"
    chart = cards(*(card(50 + 60 * n, 100, f"Grey {n}") for n in range(7)))
    chart.pictures = [[x, top, x + 40, top + 40] for x, top, _, _ in chart.pictures]
    assert classify(chart) == "swatches"
    assert read_records(chart, None).records == []
    votes = ruled([["Oui", "Non", "Total"], ["157", "60", "217"]])
    assert classify(page(votes)) == "table"


def test_letters_set_apart_are_one_word():
    words, picture = card(50, 100, "Snap Box", "400 ml")
    words += [["G-1", 50, 200, 65, 207.5], ["7", 65.5, 200, 69, 207.5]]
    record = read_records(page(words=words, pictures=[picture]), None).records[0]
    assert record.values["sku"] == "G-17"


def test_a_line_of_measures_and_words():
    grid = cards(card(50, 100, "Silk", "Art.-Nr. SV-100", "Breite 140 cm, Leinen", "45,00 € / lfm"))
    assert read_records(grid, None).records[0].values == {
        "sku": "SV-100", "name": "Silk", "width": "140 cm", "description": "Leinen",
        "price": "45,00 € / lfm",
    }  # fmt: skip


def test_a_card_may_stand_on_its_picture():
    words, _ = card(50, 500, "CH-10", "Coffee Mug", "300 ml")
    found = read_records(page(words=words, pictures=[[0, 0, 595, 842]]), None).records
    assert [record.values["sku"] for record in found] == ["CH-10"]


def test_colours_norms_and_certificates_are_no_products():
    colours = cards(*(card(50, 100 + 160 * n, f"RAL701{n}", "Anthracite grey") for n in range(3)))
    norms = cards(card(50, 100, "EN14411", "Tiles 60 x 60 cm"), card(250, 100, "R10", "Slip 5 mm"))
    for grid in (colours, norms):
        assert read_records(grid, None).records == []
    chart = cards(*(card(50 + 60 * n, 100, f"G{n}12", f"Grey {n}") for n in range(7)))
    chart.pictures = [[x, top, x + 40, top + 40] for x, top, _, _ in chart.pictures]
    assert read_records(chart, None).records == []


def test_a_bar_code_below_a_card_is_its_ean():
    grid = cards(card(50, 100, "A-1", "Snap Box", "400 ml", "4006381333931"))
    assert read_records(grid, None).records[0].values["ean"] == "4006381333931"


def test_a_strip_along_the_page_is_no_cards_picture():
    words, picture = card(62, 150, "G-1", "Snap Box", "400 ml")
    found = read_records(page(words=words, pictures=[[0, 0, 65, 480], picture]), None).records
    assert [record.picture for record in found] == [1]


def test_a_picture_may_stand_beside_its_card():
    words = words_at("A-1", 170, 110) + words_at("Snap Box", 170, 123)
    words += words_at("12,00 EUR", 170, 136)
    found = read_records(page(words=words, pictures=[[50, 80, 160, 160]]), None).records
    assert [record.picture for record in found] == [0]
