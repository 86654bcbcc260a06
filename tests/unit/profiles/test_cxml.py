"""cXML catalogues: money with its currency, names below a description, extrinsic values."""

from tests.unit.profiles.feeds import read


def test_items():
    feed = read("cxml.xml")
    assert (feed.profile.name, feed.asks) == ("cXML catalogue", None)
    pen = feed.vals("PEN-1")
    assert pen["name"] == "Pen black"
    assert pen["price"] == {"amount": "1.34", "currency": "USD", "unit": "pc"}
    assert pen["brand"] == "Inkwell"
    assert pen["colour"] == "Black"
    assert pen["attributes"]["Tip"] == "0.5 mm"
    assert feed.vals("PEN-2")["price"]["unit"] == "box"
