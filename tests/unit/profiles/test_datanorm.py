"""Datanorm 4: two lines of name, prices for ten or a hundred, files of prices alone."""

from tests.unit.profiles.feeds import read

HEAD = "V 010226Kupferhof Rohre".ljust(123) + "04EUR"
ARTICLES = (
    "A;N;R-100;00;Rohr Kupfer;15 x 1 mm;1;2;m;12550;A1;100;;",
    "B;N;R-100;ROHR;;;;;;4006381333931;;;;;;;",
    "A;N;R-200;00;Bogen 90 Grad;15 mm;2;0;Stck;320;A1;100;;",
)
PRICES = ("P;A;R-100;2;11900;;;;;;;R-200;2;299;;;;;;;",)


def written(path, rows):
    path.write_bytes("\r\n".join([HEAD, *rows, ""]).encode("cp850"))
    return path


def test_articles(tmp_path):
    feed = read(written(tmp_path / "DATANORM.001", ARTICLES))
    assert (feed.profile.name, feed.asks) == ("Datanorm 4", None)
    pipe = feed.vals("R-100")
    assert pipe["name"] == "Rohr Kupfer 15 x 1 mm"
    assert pipe["price"] == {"amount": "1.255", "currency": "EUR", "unit": "m"}
    assert pipe["ean"]["valid"] == "4006381333931"
    assert pipe["attributes"]["price kind"] == "brutto"
    assert feed.vals("R-200")["price"]["unit"] == "pc"


def test_a_file_of_prices_is_price_only(tmp_path):
    feed = read(written(tmp_path / "DATPREIS.001", PRICES))
    assert (feed.profile.name, feed.asks) == ("Datanorm 4", None)
    assert feed.suggestion.hints.price_only
    assert feed.vals("R-200")["price"] == {"amount": "2.99", "currency": "EUR"}
