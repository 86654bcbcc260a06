"""YML catalogues: categories by id, parameters with units, offers without a name."""

from tests.unit.profiles.feeds import read


def test_offers():
    feed = read("yml.xml")
    assert (feed.profile.name, feed.asks) == ("YML", None)
    beige = feed.vals("p1")
    assert beige["price"] == {"amount": "1290.50", "currency": "RUB"}
    assert beige["category"] == ["Стройматериалы", "Плитка", "Напольная плитка"]
    assert beige["colour"] == "бежевый"
    assert (beige["brand"], beige["sku"]["raw"]) == ("Волга", "VLG-1")
    assert len(beige["images"]) == 2


def test_an_offer_without_a_name_is_called_by_its_model():
    assert read("yml.xml").vals("p2")["name"] == "Волга 200 серая"


def test_kind_vendor_and_model_are_the_name_where_no_offer_has_one(tmp_path):
    path = tmp_path / "shop.yml"
    offers = "".join(
        f'<offer id="{n}" type="vendor.model"><price>{n}5</price><currencyId>KZT</currencyId>'
        f"<categoryId>1</categoryId><typePrefix>Лампа</typePrefix><vendor>Искра</vendor>"
        f"<model>И-{n}</model></offer>"
        for n in (1, 2, 3)
    )
    path.write_text(
        '<yml_catalog><shop><categories><category id="1">Свет</category></categories>'
        f"<offers>{offers}</offers></shop></yml_catalog>"
    )
    feed = read(path)
    assert feed.asks is None
    assert feed.vals("2")["name"] == "Лампа Искра И-2"
    assert feed.vals("2")["category"] == ["Свет"]


def test_deleted_offers_are_skipped():
    assert read("yml.xml").skipped == ["the feed says that this product is deleted"]
