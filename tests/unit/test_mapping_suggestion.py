"""Made-up feeds in many languages: right targets from evidence, a question where it lacks."""

from dataclasses import replace

import pytest

from imports.mapping import currency_question, needs_person, suggest
from tests.unit.feed_tables import (
    BRANDS,
    CATEGORIES,
    CODES,
    COLOURS,
    EANS,
    EUROS,
    IDS,
    NAMES,
    OLD_PRICES,
    PICTURES,
    PRICES,
    ROWS,
    SIZES,
    STOCK,
    TEXTS,
    UNITS,
    feed,
)

BAR = 0.8

TARGETS = "sku name price - brand ean currency unit size colour category stock description images"
COLUMNS = (CODES, NAMES, PRICES, OLD_PRICES, BRANDS, EANS, EUROS, UNITS, SIZES, COLOURS, CATEGORIES,
           STOCK, TEXTS, PICTURES)  # fmt: skip
HEADERS = {
    "en": "Item Number|Product Name|Price|Old Price|Brand|"
    "Barcode|Currency|Unit|Size|Colour|"
    "Category|Stock|Description|Image",
    "de": "Artikelnummer|Bezeichnung|Preis|UVP|Hersteller|"
    "EAN|Währung|Mengeneinheit|Abmessungen|Farbe|"
    "Warengruppe|Lagerbestand|Beschreibung|Bild",
    "fr": "Référence|Désignation|Prix TTC|Ancien prix|Marque|"
    "Code barre|Devise|Unité|Dimensions|Couleur|"
    "Catégorie|Quantité en stock|Descriptif|Photo",
    "it": "Codice articolo|Denominazione|Prezzo|Prezzo di listino|Marca|"
    "Codice a barre|Valuta|Unità di misura|Formato|Colore|"
    "Categoria|Giacenza|Descrizione|Immagine",
    "es": "referencia|nombre|precio|precio_anterior|marca|"
    "codigo_de_barras|moneda|unidad|medidas|color|"
    "familia|existencias|descripcion|imagen",
    "pt": "Referência|Designação|Preço|Preço antigo|Marca|"
    "Código de barras|Moeda|Unidade|Dimensões|Cor|"
    "Categoria|Estoque|Descrição|Imagem",
    "el": "Κωδικός|Ονομασία|Τιμή|Παλιά τιμή|Κατασκευαστής|"
    "Barcode|Νόμισμα|Μονάδα μέτρησης|Διαστάσεις|Χρώμα|"
    "Κατηγορία|Απόθεμα|Περιγραφή|Εικόνα",
    "pl": "Kod produktu|Nazwa|Cena|Stara cena|Producent|"
    "Kod kreskowy|Waluta|Jednostka miary|Wymiary|Kolor|"
    "Kategoria|Stan magazynowy|Opis|Zdjęcie",
    "cs": "Kód zboží|Název|Cena|Původní cena|Výrobce|"
    "Čárový kód|Měna|Měrná jednotka|Rozměry|Barva|"
    "Kategorie|Skladem|Popis|Obrázek",
    "sv": "Artikelnr|Benämning|Pris|Tidigare pris|Varumärke|"
    "Streckkod|Valuta|Enhet|Mått|Färg|"
    "Varugrupp|Lagersaldo|Beskrivning|Bild",
    "ru": "Артикул|Наименование|Цена|Старая цена|Производитель|"
    "Штрихкод|Валюта|Единица измерения|Размер|Цвет|"
    "Категория|Остаток|Описание|Картинка",
}
BASE = {"code": CODES, "name": NAMES, "currency": EUROS}


def targets(columns, **options):
    suggestion = suggest(*feed(columns), **options)
    return {item.source: item.target for item in suggestion.fields}


@pytest.mark.parametrize("language", HEADERS)
def test_plain_headers_need_no_person(language):
    headers = HEADERS[language].split("|")
    suggestion = suggest(*feed(dict(zip(headers, COLUMNS, strict=True))))
    assert [item.target or "-" for item in suggestion.fields] == TARGETS.split()
    assert [item.source for item in suggestion.fields if item.decoy] == [headers[3]]
    assert needs_person(suggestion, BAR) is None


@pytest.mark.parametrize(
    "decoy",
    [
        "Compare At Price", "Cost per item", "EK", "Einkaufspreis", "RRP_OLD", "UVP", "Sale price",
        "Shipping price", "Min order qty", "oldprice", "was_price", "Prix d'achat", "VAT rate",
        "precio de coste", "τιμή χονδρική",
        "Cena zakupu", "nákupní cena", "Inköpspris", "закупочная цена",
    ],
)  # fmt: skip
def test_decoys_are_never_the_price(decoy):
    for columns in ({**BASE, decoy: OLD_PRICES, "Price": PRICES}, {**BASE, decoy: OLD_PRICES}):
        suggestion = suggest(*feed(columns))
        fields = {item.source: item for item in suggestion.fields}
        assert fields[decoy].target is None
        assert fields[decoy].decoy
        assert fields[decoy].reason.startswith("Likely a decoy")


def test_half_known_price_name_is_asked():
    suggestion = suggest(*feed({**BASE, "Precio base": PRICES}))
    assert suggestion.find("price").confidence < BAR
    assert needs_person(suggestion, BAR) == "mapping"
    (question,) = suggestion.open_questions(BAR)
    assert (question.target, question.options) == ("price", ("Precio base",))


def test_two_equal_prices_are_asked():
    suggestion = suggest(*feed({**BASE, "price_net": PRICES, "price_gross": OLD_PRICES}))
    assert needs_person(suggestion, BAR) == "mapping"
    (question,) = suggestion.questions
    assert question.options == ("price_net", "price_gross")


@pytest.mark.parametrize(
    ("one", "other"), [("price", "price [2]"), ("Retail price", "Trade price")]
)
def test_a_price_beside_another_of_the_same_right_is_asked(one, other):
    suggestion = suggest(*feed({**BASE, one: PRICES, other: OLD_PRICES}))
    assert needs_person(suggestion, BAR) == "mapping"
    (question,) = suggestion.questions
    assert question.options == (one, other)


OTHER_CODES = [f"{code}-X" for code in CODES]


@pytest.mark.parametrize(("name", "more"), [("sku", {}), ("sku", {"id": IDS}), ("product id", {})])
def test_a_code_beside_another_of_its_name_is_asked(name, more):
    columns = {**more, name: CODES, f"{name} [2]": OTHER_CODES, "name": NAMES, "currency": EUROS}
    suggestion = suggest(*feed(columns))
    assert needs_person(suggestion, BAR) == "mapping"
    (question,) = suggestion.open_questions(BAR)
    assert question.options == (name, f"{name} [2]")
    assert "same name" in suggestion.find(question.target).reason


def test_a_code_that_stands_twice_or_says_less_the_second_time_is_not_asked():
    for second in (CODES, ["yes"] * ROWS, [""] * ROWS):
        columns = {"sku": CODES, "sku [2]": second, "name": NAMES, "currency": EUROS}
        suggestion = suggest(*feed(columns))
        assert needs_person(suggestion, BAR) is None
        assert suggestion.find("sku").source == "sku"


def test_plain_price_wins_over_a_qualified_one():
    assert targets({**BASE, "price_net": OLD_PRICES, "price": PRICES})["price"] == "price"


def test_dot_that_may_group_is_asked_unless_the_supplier_says():
    prices = [f"{number % 9 + 1}.{number * 7 % 1000:03d}" for number in range(ROWS)]
    table = feed({**BASE, "price": prices})
    assert needs_person(suggest(*table), BAR) == "mapping"
    settled = suggest(*table, {"decimal_style": ","})
    assert needs_person(settled, BAR) is None
    assert settled.find("price").transform == "number, 1.234,5"


def test_currency_is_asked_only_where_nothing_says_it():
    unknown = suggest(*feed({"code": CODES, "name": NAMES, "price": PRICES}))
    assert needs_person(unknown, BAR) == "currency"
    dollars = {"code": CODES, "name": NAMES, "price": [f"${price}" for price in PRICES]}
    ambiguous = suggest(*feed(dollars))
    assert needs_person(ambiguous, BAR) == "currency"
    assert "CAD" in ambiguous.questions[0].options
    assert needs_person(suggest(*feed(dollars), {"currency": "CAD"}), BAR) is None
    named = suggest(*feed({"code": CODES, "name": NAMES, "Preis (EUR)": PRICES}))
    assert named.defaults == {"currency": "EUR"}
    assert needs_person(named, BAR) is None


@pytest.mark.parametrize(
    "prices",
    [
        {"price_net": PRICES, "price_gross": OLD_PRICES},
        {"Precio base": PRICES},
        {"c3": PRICES},
        {"price_net": [f"{price} EUR" for price in PRICES], "price_gross": OLD_PRICES},
    ],
    ids=["several", "half known", "unknown", "one of several names none"],
)
def test_currency_is_asked_with_the_price_on_one_page(prices):
    suggestion = suggest(*feed({"code": CODES, "name": NAMES, **prices}))
    assert needs_person(suggestion, BAR) == "mapping"
    asked = {question.target for question in suggestion.open_questions(BAR)}
    assert asked == {"price", "currency"}
    said = suggest(*feed({"code": CODES, "name": NAMES, **prices}), {"currency": "EUR"})
    assert {question.target for question in said.open_questions(BAR)} == {"price"}


def test_no_currency_is_asked_for_a_row_that_fails_anyway():
    survey, records = feed({**BASE, "price": PRICES[:5]})
    *sound, last = records[:5]
    short = {name: value for name, value in last.fields.items() if name != "currency"}
    broken = replace(last, fields=short, error="The row is too short.")
    assert needs_person(suggest(survey, [*sound, broken]), BAR) is None
    assert needs_person(suggest(survey, [*sound, replace(broken, error=None)]), BAR) == "currency"


def test_no_currency_is_asked_for_a_price_that_no_run_would_take():
    suggestion = suggest(*feed({"code": CODES, "name": NAMES, "c3": PRICES}))
    assert not suggestion.mapping(0).has("price")
    assert needs_person(suggestion, 0) is None


def test_currency_question_of_a_given_mapping():
    survey, records = feed({"code": CODES, "name": NAMES, "price": PRICES})
    mapping = suggest(survey, records).mapping(BAR)
    fields = [record.fields for record in records]
    assert currency_question(mapping, fields).reason == "currency"
    mapping.defaults["currency"] = "EUR"
    assert currency_question(mapping, fields) is None


def test_repeating_code_is_no_key():
    assert targets({**BASE, "id": ["1", "2"] * (ROWS // 2), "price": PRICES})["id"] is None


def test_a_code_called_as_names_are_is_asked_about():
    suggestion = suggest(*feed({"Titel": CODES, "Bezeichnung": NAMES, "Preis EUR": PRICES}))
    assert needs_person(suggestion, BAR) == "mapping"
    (question,) = suggestion.open_questions(BAR)
    assert (question.target, question.options) == ("key", ("Titel",))


def test_a_word_for_code_and_name_is_what_its_values_are():
    found = targets({"Artikel": CODES, "Bezeichnung": NAMES, "Preis EUR": PRICES})
    assert (found["Artikel"], found["Bezeichnung"]) == ("sku", "name")
    assert targets({"Artikel": NAMES, "Nummer": CODES})["Artikel"] == "name"


def test_the_code_of_one_of_several_variants_is_not_the_products():
    others = [f"{code}-B" for code in CODES]
    columns = {"id": IDS, "name": NAMES, "price": PRICES, "variants.0.sku": CODES}
    assert suggest(*feed(columns)).mapping(BAR).has("sku")
    assert not suggest(*feed({**columns, "variants.1.sku": others})).mapping(BAR).has("sku")


def test_pictures_are_known_by_their_addresses_whatever_they_are_called():
    assert targets({**BASE, "price": PRICES, "media.0.url": PICTURES})["media.0.url"] == "images"


def test_repeating_names_alone_identify_nothing():
    names = [f"Tile {number % 20}" for number in range(ROWS)]
    suggestion = suggest(*feed({"name": names, "price": PRICES, "currency": EUROS}))
    assert needs_person(suggestion, BAR) == "mapping"
    assert (
        needs_person(suggest(*feed({"name": NAMES, "price": PRICES, "currency": EUROS})), BAR)
        is None
    )


def test_unknown_headers_are_asked_and_shapes_help():
    suggestion = suggest(*feed({"c1": CODES, "c2": NAMES, "c3": PRICES, "c4": EANS}))
    assert needs_person(suggestion, BAR) == "mapping"
    assert {question.target for question in suggestion.open_questions(BAR)} == {
        "key",
        "name",
        "price",
        "currency",
    }
    assert suggestion.find("ean").source == "c4"
    assert suggestion.find("ean").reason == "Check digit right in 100 %"


def test_paths_are_read_with_the_step_before_a_vague_one():
    assert targets(
        {
            "@id": IDS,
            "name": NAMES,
            "manufacturer/name": BRANDS,
            "category/name": CATEGORIES,
            "category/@id": ["1", "2"] * (ROWS // 2),
            "PRICES/PRICE/AMOUNT": PRICES,
            "PRICES/PRICE/@currency": EUROS,
            "delivery/price": OLD_PRICES,
            "images/image": [[picture, picture] for picture in PICTURES],
        }
    ) == {
        "@id": "key",
        "name": "name",
        "manufacturer/name": "brand",
        "category/name": "category",
        "category/@id": None,
        "PRICES/PRICE/AMOUNT": "price",
        "PRICES/PRICE/@currency": "currency",
        "delivery/price": None,
        "images/image": "images",
    }


def test_unit_in_a_name_of_a_length_is_kept():
    suggestion = suggest(*feed({**BASE, "price": PRICES, "Width (cm)": STOCK}))
    width = suggestion.find("width")
    assert (width.source, width.transform) == ("Width (cm)", "length, cm")


def test_misspelt_names_are_not_sure():
    suggestion = suggest(
        *feed({"artcile number": CODES, "name": NAMES, "price": PRICES, "currency": EUROS})
    )
    assert suggestion.find("sku").confidence < BAR
    assert needs_person(suggestion, BAR) == "mapping"


def test_price_only_runs_need_no_name():
    suggestion = suggest(*feed({"sku": CODES, "price": PRICES, "currency": EUROS}))
    assert needs_person(suggestion, BAR) == "mapping"
    assert needs_person(suggestion.of_prices(), BAR) is None


def test_reasons_are_plain_words():
    suggestion = suggest(
        *feed({**BASE, "price": PRICES, "ean": EANS, "uom": UNITS, "format": SIZES})
    )
    assert {item.source: item.reason for item in suggestion.fields} == {
        "code": "Unique in all rows",
        "name": "Text, 40 distinct",
        "currency": "ISO 4217 codes only",
        "price": "Numeric in 100 %, decimal comma",
        "ean": "Check digit right in 100 %",
        "uom": "Values are m2, pc",
        "format": "Two numbers and an x in 100 %",
    }


def test_only_sure_fields_are_used():
    suggestion = suggest(
        *feed({**BASE, "price": PRICES, "descr_2": ["matt", "polished"] * (ROWS // 2)})
    )
    assert suggestion.find("finish").source == "descr_2"
    assert not suggestion.mapping(BAR).has("finish")
