"""equipment/*.yaml and sites/* -> domain objects; refuses what the schemas refuse, with file, line and what is expected.

from caretaker.catalog import read_kinds, read_site
kinds = read_kinds(settings.equipment)
site = read_site(settings.site, kinds)
rounds = read_rounds(settings.site, site, kinds)
people = read_people(settings.site, site.site.id)
"""

from caretaker.catalog.duration import seconds
from caretaker.catalog.kind import read_kind, read_kinds
from caretaker.catalog.people import PeopleFile, read_people
from caretaker.catalog.problems import Problems, expected
from caretaker.catalog.rounds import RoundsFile, read_rounds
from caretaker.catalog.site import read_site
from caretaker.catalog.yaml_file import Document, parse_yaml, read_yaml

__all__ = [
    "Document",
    "PeopleFile",
    "Problems",
    "RoundsFile",
    "expected",
    "parse_yaml",
    "read_kind",
    "read_kinds",
    "read_people",
    "read_rounds",
    "read_site",
    "read_yaml",
    "seconds",
]
