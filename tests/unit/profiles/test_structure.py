"""Feeds of unknown format: features as names and values, categories by their ids."""

import json

from tests.unit.profiles.feeds import read

CATEGORIES = (
    "<rubriques><rubrique no='1'><nom>Sols</nom></rubrique>"
    "<rubrique no='2' parent='1'><nom>Carrelage</nom></rubrique>"
    "<rubrique no='3' parent='2'><nom>Grès cérame</nom></rubrique></rubriques>"
)


def xml(product, head=""):
    products = "".join(product(number) for number in range(1, 7))
    return f"<export>{head}<articles>{products}</articles></export>"


def test_features_below_a_product(tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(
        xml(
            lambda n: (
                f"<article><code>A-{n}7</code><titre>Dalle {n}</titre>"
                f"<prix devise='EUR'>{n}2.50</prix>"
                f"<specs><spec><nom>Couleur</nom><valeur>gris</valeur>"
                f"</spec><spec><nom>Pose</nom><valeur>colle {n}</valeur></spec></specs></article>"
            )
        )
    )
    feed = read(path)
    assert (feed.profile, feed.asks) == (None, None)
    third = feed.vals("A-37")
    assert third["name"] == "Dalle 3"
    assert third["colour"] == "gris"
    assert third["attributes"]["Pose"] == "colle 3"


def test_features_in_attributes_with_units(tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(
        xml(
            lambda n: (
                f"<article><code>A-{n}7</code><name>Board {n}</name>"
                f"<price currency='EUR'>{n}2.50</price>"
                f"<param name='Thickness' unit='mm'>{n}</param>"
                f"<param name='Core'>oak</param></article>"
            )
        )
    )
    second = read(path).vals("A-27")
    assert second["size"] == {"t": "2"}
    assert second["attributes"]["Core"] == "oak"


def test_numbered_columns_are_features(tmp_path):
    path = tmp_path / "feed.csv"
    rows = [f"S-{n}5,Lamp {n},{n}9.90,EUR,Socket,E{n}4,Colour,brass" for n in range(1, 7)]
    head = "sku,name,price,currency,spec 1 name,spec 1 value,spec 2 name,spec 2 value"
    path.write_text("\n".join([head, *rows]))
    feed = read(path)
    assert feed.asks is None
    assert "E24" in feed.vals("S-25").get("attributes", {}).values()


def test_features_in_json(tmp_path):
    path = tmp_path / "feed.json"
    items = [
        {"sku": f"S-{n}5", "name": f"Lamp {n}", "price": f"{n}9.90", "currency": "EUR",
         "specs": [{"name": "Socket", "value": f"E{n}"}, {"name": f"Extra {n}", "value": "yes"}]}
        for n in range(1, 7)
    ]  # fmt: skip
    path.write_text(json.dumps(items))
    assert read(path).vals("S-25")["attributes"]["Extra 2"] == "yes"


def test_a_group_of_features_gives_each_its_name(tmp_path):
    path = tmp_path / "feed.json"
    items = [
        {"sku": f"S-{n}5", "name": f"Lamp {n}", "price": f"{n}9.90", "currency": "EUR",
         "attrs": {"Bulb code": f"B{n}", "Colour": "brass", "Dimmable": "yes"}}
        for n in range(1, 7)
    ]  # fmt: skip
    path.write_text(json.dumps(items))
    second = read(path).vals("S-25")
    assert second["colour"] == "brass"
    assert second["attributes"] == {"Bulb code": "B2", "Dimmable": "yes"}


def test_a_category_is_found_by_its_id(tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(
        xml(
            lambda n: (
                f"<article><code>A-{n}7</code><titre>Dalle {n}</titre>"
                f"<prix devise='EUR'>{n}2.50</prix>"
                f"<categorie_id>{n % 3 + 1}</categorie_id></article>"
            ),
            CATEGORIES,
        )
    )
    feed = read(path)
    assert feed.asks is None
    assert feed.vals("A-27")["category"] == ["Sols", "Carrelage", "Grès cérame"]


def test_a_category_is_found_by_its_id_in_json(tmp_path):
    path = tmp_path / "feed.json"
    groups = [{"id": n, "title": f"Group {n}", "parent": n // 2} for n in range(1, 8)]
    products = [
        {"sku": f"S-{n}5", "name": f"Lamp {n}", "price": f"{n}9.90", "currency": "EUR",
         "category_id": n}
        for n in range(1, 7)
    ]  # fmt: skip
    path.write_text(json.dumps({"groups": groups, "products": products}))
    feed = read(path)
    assert feed.asks is None
    assert feed.vals("S-55")["category"] == ["Group 1", "Group 2", "Group 5"]


def test_ids_that_no_other_record_has_are_no_category(tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(
        xml(
            lambda n: (
                f"<article><code>A-{n}7</code><titre>Dalle {n}</titre>"
                f"<prix devise='EUR'>{n}2.50</prix>"
                f"<categorie_id>{n + 40}</categorie_id></article>"
            ),
            CATEGORIES,
        )
    )
    assert "category" not in read(path).vals("A-27")
