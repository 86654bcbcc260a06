"""The fixtures of the profiles, read as an import reads them, up to the catalogue's door."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from imports import readers
from imports.mapping import Families, Mapping, Suggestion, column_styles, needs_person, suggest
from imports.mapping.hints import Hints
from imports.profiles import Feed, Profile, inspect, with_structure
from jobtracker.catalogue.normalise import Normalised, normalise_record

FOLDER = Path(__file__).parents[2] / "fixtures" / "profiles"
BAR = 0.8


@dataclass
class Read:
    """What became of a feed: its format, what was suggested, its rows and the reasons of those
    that make no product."""

    profile: Profile | None
    suggestion: Suggestion
    mapping: Mapping
    rows: dict[str, Normalised] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def asks(self) -> str | None:
        """What a run would wait for."""
        suggestion = self.suggestion
        if suggestion.hints.price_only:
            suggestion = suggestion.of_prices()
        return needs_person(suggestion, BAR)

    def vals(self, key: str) -> dict:
        """The values of the row with that source key."""
        return self.rows[key].vals


def read(path: Path | str, **defaults: str) -> Read:
    """Read a feed as an import does; a name alone is one of the fixtures."""
    path = FOLDER / path
    found, profile = inspect(path)
    survey = readers.survey(path, found.source)
    feed = Feed(path, found.source, survey, tuple(each.path for each in found.candidates))
    hints = with_structure(profile.hints(feed) if profile else Hints("", {}), feed)
    sample = list(islice(readers.read(path, found.source), 500))
    suggestion = suggest(survey, sample, defaults, hints)
    # Through JSON and back, as it is kept between the stages of a job.
    mapping = Mapping.from_json(
        suggestion.mapping(BAR).to_json(), [each.source for each in survey.fields]
    ).bound(feed.read)
    result = Read(profile, suggestion, mapping)
    records = [each.fields for each in readers.read(path, found.source)]
    styles = column_styles(mapping, records)
    families = Families()
    for record in records:
        values = mapping.apply(record)
        if reason := families.fold(values):
            result.skipped.append(reason)
            continue
        row = normalise_record(values, styles, mapping.defaults, mapping.columns)
        if result.asks != "mapping":
            assert not row.errors, row.errors
            assert row.key not in result.rows
        result.rows[row.key] = row
    return result
