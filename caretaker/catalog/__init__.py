"""equipment/*.yaml and sites/* -> domain objects; refuses what the schemas refuse, with file, line and what is expected.

from caretaker.catalog import read_kinds, read_site
kinds = read_kinds(settings.equipment)
site = read_site(settings.site, kinds)
rounds = read_rounds(settings.site, site, kinds)
"""

from caretaker.catalog.duration import seconds
from caretaker.catalog.kind import read_kind, read_kinds
from caretaker.catalog.problems import Problems, expected
from caretaker.catalog.rounds import RoundsFile, read_rounds
from caretaker.catalog.site import read_site
from caretaker.catalog.yaml_file import Document, parse_yaml, read_yaml

__all__ = [
    "Document",
    "Problems",
    "RoundsFile",
    "expected",
    "parse_yaml",
    "read_kind",
    "read_kinds",
    "read_rounds",
    "read_site",
    "read_yaml",
    "seconds",
]
