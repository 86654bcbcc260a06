"""Titles of columns in the languages of our suppliers, and what is no title of ours."""

import pytest

from jobtracker.catalogue.normalise import ATTRIBUTE, TARGETS
from pdfjobs.records.heads import _TITLES, Title, is_foreign, read_title


@pytest.mark.parametrize(
    ("title", "target"),
    [
        ("Item Code", "sku"), ("Description", "name"), ("Thickness", "thickness"),
        ("Artikel-Nr.", "sku"), ("Bezeichnung", "name"), ("Oberfläche", "finish"),
        ("Réf.", "sku"), ("Désignation", "name"), ("Épaisseur", "thickness"),
        ("Codice", "sku"), ("Finitura", "finish"), ("Prezzo di listino", "price"),
        ("Código", "sku"), ("Acabado", "finish"), ("P.V.P.", "price"),
        ("Referência", "sku"), ("Preço", "price"), ("Espessura", "thickness"),
        ("Κωδικός", "sku"), ("Περιγραφή", "name"), ("Τιμή", "price"), ("Διαστάσεις", "size"),
        ("Nr katalogowy", "sku"), ("Grubość", "thickness"), ("Cena netto", "price"),
        ("Kód zboží", "sku"), ("Tloušťka", "thickness"), ("Rozměry", "size"),
        ("Artikelnummer", "sku"), ("Benämning", "name"), ("Pris exkl. moms", "price"),
        ("Артикул", "sku"), ("Наименование", "name"), ("Цена с НДС", "price"),
        ("LxW (cm)", "size"), ("Code / Référence", "sku"), ("BREITE", "width"),
        ("Stk/Karton", "attribute.pieces_per_box"), ("m²/box", "attribute.m2_per_box"),
        ("kg / ctn", "attribute.weight_per_box"), ("Box/Pal.", "attribute.boxes_per_pallet"),
    ],
)  # fmt: skip
def test_a_title_names_its_target(title, target):
    assert read_title(title).target == target


def test_a_title_says_currency_unit_and_scale():
    assert read_title("Preis €/m²") == Title("price", currency="EUR", unit="m2")
    assert read_title("Price (GBP)") == Title("price", currency="GBP")
    assert read_title("Цена, руб.") == Title("price", currency="RUB")
    assert read_title("Thickness (cm)") == Title("thickness", scale="cm")
    assert read_title("Gewicht kg") == Title("weight", scale="kg")


@pytest.mark.parametrize("text", ["", "12,50", "Totalement en accord", "Responsable", "Oui"])
def test_other_words_are_no_titles(text):
    assert read_title(text) is None


def test_titles_of_test_reports_are_foreign():
    assert is_foreign("Test method")
    assert is_foreign("Prüfnorm")
    assert not is_foreign("Standard size")


def test_every_target_is_one_of_the_catalogue():
    assert all(target in TARGETS or target.startswith(ATTRIBUTE) for target in _TITLES)
