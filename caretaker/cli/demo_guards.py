"""What the demo's simulated guards need to begin: where the page is, an enrolment code each, what the stickers say.

It goes to the simulators through a pipe, once; nobody has a password and nothing of it lies on disk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from caretaker.bootstrap import House
from caretaker.domain.errors import CaretakerError
from caretaker.domain.people import Person
from caretaker.domain.rounds.codes import token_of
from caretaker.services import phones

FOLDER: Final = "guards"
"""In the data folder: the simulated phones."""
_WANTED: Final = "wanted.json"


def letter(house: House, actor: Person, base: str) -> str:
    """One line for the simulators. `actor` gives out the phones, as a supervisor would."""
    codes: dict[str, str] = {}
    for person in _wanted(house.settings.data / FOLDER / _WANTED):
        try:
            codes[person] = phones.create_enrolment(house.transactions, actor, person, house.clock.now_ns())
        except CaretakerError:
            continue  # somebody was deactivated or taken out of the file: one guard less
    site = house.estate.site.id
    key = house.site_keys().keys(site)[0]
    with house.transactions.begin(write=False) as unit:
        stickers = {place.id: token_of(key, place) for place in unit.checkpoints.list(site) if not place.rotating}
    return json.dumps({"base": base, "codes": codes, "stickers": stickers}) + "\n"


def _wanted(path: Path) -> list[str]:
    """Who has no phone yet; nobody when the scenario has no guards."""
    if not path.exists():
        return []
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return found
