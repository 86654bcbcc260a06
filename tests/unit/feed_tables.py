"""Made-up feeds as tables: what `suggest` sees of them, without a file."""

from imports.readers import Record, Survey
from imports.readers.field_survey import survey_records


def feed(columns: dict[str, list]) -> tuple[Survey, list[Record]]:
    """A survey and the records of a feed given by its columns (source to values)."""
    count = max(map(len, columns.values()))
    records = [
        Record(
            number=index + 1,
            line=index + 2,
            fields={
                source: values[index] for source, values in columns.items() if index < len(values)
            },
            written="",
        )
        for index in range(count)
    ]
    return survey_records(iter(records)), records


ROWS = 40
CODES = [f"NS-{40100 + number}" for number in range(ROWS)]
IDS = [str(900000 + number) for number in range(ROWS)]
NAMES = [f"Porcelain Alba {number} ivory" for number in range(ROWS)]
PRICES = [f"{12 + number},{number:02d}" for number in range(ROWS)]
OLD_PRICES = [f"{20 + number},{number:02d}" for number in range(ROWS)]
BRANDS = ["Northstone", "Calda"] * (ROWS // 2)
EANS = [
    f"400638{number:06d}"
    + str(
        -sum(
            int(digit) * weight
            for digit, weight in zip(f"400638{number:06d}", (1, 3) * 6, strict=True)
        )
        % 10
    )
    for number in range(ROWS)
]
EUROS = ["EUR"] * ROWS
UNITS = ["m2", "pc"] * (ROWS // 2)
SIZES = ["60x120 cm", "30x60 cm"] * (ROWS // 2)
COLOURS = ["ivory", "grey"] * (ROWS // 2)
CATEGORIES = ["Floor > Tiles", "Wall > Tiles"] * (ROWS // 2)
STOCK = [str(number * 3) for number in range(ROWS)]
TEXTS = [
    f"A long description of the tile number {number}, for floors and walls."
    for number in range(ROWS)
]
PICTURES = [f"https://example.com/{number}.jpg" for number in range(ROWS)]
