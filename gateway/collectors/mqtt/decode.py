"""Topic and payload -> readings. Compiled once per device, looked up by the topic's bytes. Pure: time comes in.

The fast path takes a message whose values are all plain numbers: msgspec reads it, the key set (nearly always the same)
names the points, and the values go into the columns without a Python step per field. Everything unusual (words, flags,
qualities, replayed or suspicious messages) takes a slower path that explains itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

import msgspec

from caretaker import wire
from caretaker.domain.assets import Device, Estate, Point
from caretaker.domain.assets import Protocol as DeviceProtocol
from caretaker.domain.equipment import MqttMapping, ValueType
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import HISTORICAL, Quality
from caretaker.ports import Quarantined
from gateway.collectors.mqtt.columns import Columns, pack_id
from gateway.collectors.mqtt.payload import (
    MAX_PAYLOAD,
    MILLISECOND,
    MISSING,
    RefusedError,
    follow,
    path,
    strict_json,
    time_ns,
)
from gateway.collectors.mqtt.values import NAN, QUALITIES, Field, VendorField
from gateway.devices import Devices

EXCERPT: Final = 200
KEY_SETS: Final = 64
"""Different sets of keys remembered per device; a device that makes up more goes the slower way."""
_MS_LOW, _MS_HIGH = 100_000_000_000, 100_000_000_000_000


_Seq = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class _Numbers(msgspec.Struct, gc=False):
    """What a device says that has numbers only."""

    v: dict[str, float]
    ts: int | None = None
    seq: _Seq | None = None
    q: dict[str, str] | None = None


class _Mixed(msgspec.Struct, gc=False):
    """What any other device says."""

    v: dict[str, float | bool | str]
    ts: int | None = None
    seq: _Seq | None = None
    q: dict[str, str] | None = None


_Decode = Callable[[bytes], _Numbers | _Mixed]
_numbers: Final[_Decode] = msgspec.json.Decoder(_Numbers).decode
_mixed: Final[_Decode] = msgspec.json.Decoder(_Mixed).decode


_AS_IT_IS: Final[Mapping[ValueType, type]] = {ValueType.NUMBER: float, ValueType.BOOL: bool}


class _SlowError(Exception):
    """Not for the fast path."""


def _not_fast(payload: bytes, /) -> _Numbers | _Mixed:
    raise _SlowError(payload)


class _Keys:
    """A set of keys a device uses: the points they name, and how to read each value (None: all are numbers).

    readers  for each key the Python type that may pass as it is (numpy makes True 1.0) and what reads all others
    """

    __slots__ = ("colons", "ids", "readers")

    def __init__(self, fields: Sequence[Field], only_numbers: bool) -> None:
        self.ids = b"".join(pack_id(field.id) for field in fields)
        self.readers = None if only_numbers else [(_AS_IT_IS.get(field.type), field.value) for field in fields]
        self.colons = len(fields) + 3  # each key, v, ts, seq


class Route(Protocol):
    """What to do with the payloads of one topic. `decode` and `keys` serve the fast path of `Decoder.take`."""

    row: int
    decode: _Decode
    keys: dict[tuple[str, ...], _Keys]

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """Write readings into the columns. Raises RefusedError when the whole message is refused."""
        ...


class Decoder:
    """All topics of an estate."""

    def __init__(self, estate: Estate) -> None:
        self.site = estate.site.id
        mqtt = [device for device in estate.devices.values() if device.protocol is DeviceProtocol.MQTT]
        self.devices = Devices([device.id for device in mqtt])
        self._routes: dict[bytes, Route] = {}
        filters = [wire.tele_topic(self.site, "+"), wire.state_topic(self.site, "+")]
        points = _points_by_asset(estate)
        for row, device in enumerate(mqtt):
            fields = {key: Field(key, point) for key, point in _points(points, device).items()}
            self._routes[wire.state_topic(self.site, device.id).encode()] = StateRoute(row, self.devices, fields)
            if device.mapping == "canonical":
                self._routes[wire.tele_topic(self.site, device.id).encode()] = TeleRoute(row, self.devices, fields)
            else:
                mapping = _mapping(estate, device)
                topic = mapping.topic.replace("{device}", device.id)
                self._routes[topic.encode()] = VendorRoute(row, self.devices, fields, mapping)
                filters.append(mapping.topic.replace("{device}", "+"))
        self.filters: Sequence[str] = list(dict.fromkeys(filters))

    def take(
        self,
        topics: Sequence[bytes],
        payloads: Sequence[bytes],
        retained: frozenset[int],
        now_ns: int,
        columns: Columns,
    ) -> None:
        """One chunk into the columns; what is refused goes to `columns.refused`. Never raises.

        retained   rows of the chunk that the broker replayed
        """
        routes, last, low, high = self._routes, self.devices.payload, _MS_LOW, _MS_HIGH
        ids, values, stamps = columns.ids.append, columns.values.extend, columns.stamps.append
        devices, seqs = columns.devices.append, columns.seqs.append
        if retained:
            for row, topic in enumerate(topics):
                self._take_slowly(topic, payloads[row], row in retained, now_ns, columns)
            return
        for topic, payload in zip(topics, payloads, strict=True):
            try:
                route = routes[topic]
                said = route.decode(payload)
                numbers = said.v
                keys = route.keys[tuple(numbers)]
                ts, seq = said.ts, said.seq
                # One colon for each key read: else a key came twice, or the message says more than we know.
                if ts is None or payload.count(b":") != keys.colons - (seq is None) or not low <= ts < high:
                    raise _SlowError
                values(numbers.values() if keys.readers is None else _read(keys.readers, numbers))  # type: ignore[arg-type]
            except (KeyError, _SlowError, RefusedError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._take_slowly(topic, payload, False, now_ns, columns)
                continue
            ids(keys.ids)
            stamps(ts * MILLISECOND)
            row = route.row
            devices(row)
            seqs(-1 if seq is None else seq)
            last[row] = payload

    def _take_slowly(self, topic: bytes, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        route = self._routes.get(topic)
        if route is None:
            self._refuse_stranger(topic, payload, now_ns, columns)
            return
        self.devices.hear(route.row, now_ns, payload)
        try:
            if len(payload) > MAX_PAYLOAD:
                raise RefusedError("too_large", f"a payload of {len(payload)} bytes, the limit is {MAX_PAYLOAD}")
            route.take(payload, retained, now_ns, columns)
        except RefusedError as wrong:
            _refuse(self.devices, route.row, wrong, payload, now_ns, columns)

    def _refuse_stranger(self, topic: bytes, payload: bytes, now_ns: int, columns: Columns) -> None:
        reason, detail = self._stranger(topic)
        columns.refused.append(Quarantined(now_ns, "mqtt", reason, detail, (topic + b" " + payload)[:EXCERPT]))

    def _stranger(self, topic: bytes) -> tuple[str, str]:
        shown = topic[:EXCERPT].decode("utf-8", "backslashreplace")
        levels = shown.split("/")
        if len(levels) == 5 and levels[:2] == ["caretaker", "v1"] and levels[4] in {"tele", "state"}:
            if levels[2] != self.site:
                return "wrong_site", f"{levels[2]!r} is not this site ({self.site})"
            if levels[3] in self.devices.ids:
                return "unknown_topic", f"device {levels[3]} has a vendor mapping; its topic is not {shown!r}"
            return "unknown_device", f"no device {levels[3]!r} at {self.site} speaks MQTT; add it to the site file"
        return "unknown_topic", f"nothing is expected on {shown!r}"


class TeleRoute:
    """The canonical payload of one device."""

    __slots__ = ("_devices", "_fields", "decode", "keys", "row")

    def __init__(self, row: int, devices: Devices, fields: Mapping[str, Field]) -> None:
        self.row = row
        self.keys: dict[tuple[str, ...], _Keys] = {}
        self.decode: _Decode = _numbers if all(field.type is ValueType.NUMBER for field in fields.values()) else _mixed
        self._devices = devices
        self._fields = fields

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """Every field on its own. Raises RefusedError for the message as a whole."""
        said = strict_json(payload)
        if not isinstance(said, dict):
            raise RefusedError("wrong_type", f"a JSON object is expected, not {type(said).__name__}")
        values = said.get("v")
        qualities = said.get("q") or {}
        seq = said.get("seq")
        if not isinstance(values, dict) or not values:
            raise RefusedError("no_values", 'no "v": {point: value}')
        if not isinstance(qualities, dict):
            raise RefusedError("wrong_type", '"q" is not {point: good|uncertain|bad}')
        if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= 1 << 62):
            raise RefusedError("wrong_type", f'"seq" is {seq!r}, a whole number is expected')
        at_ns = time_ns(said.get("ts"), now_ns)
        flag = HISTORICAL if retained else 0
        for key, value in values.items():
            try:
                self._one(key, value, qualities.get(key, "good"), flag, at_ns, columns)
            except RefusedError as wrong:
                _refuse(self._devices, self.row, wrong, payload, now_ns, columns)
        self._devices.newest_ns[self.row] = max(int(self._devices.newest_ns[self.row]), at_ns)
        self._learn(values)

    def _learn(self, values: Mapping[str, object]) -> None:
        """A set of keys that next time may take the fast path: known points, no texts."""
        fields = [self._fields.get(key) for key in values]
        known = [field for field in fields if field is not None and field.type is not ValueType.TEXT]
        if len(known) == len(values) and len(self.keys) < KEY_SETS:
            self.keys[tuple(values)] = _Keys(known, self.decode is _numbers)

    def _one(self, key: str, said: object, word: object, flag: int, at_ns: int, columns: Columns) -> None:
        field = self._fields.get(key)
        if field is None:
            raise RefusedError("unknown_point", f"{self._devices.ids[self.row]} has no point {key[:80]!r}")
        quality = QUALITIES.get(word) if isinstance(word, str) else None
        if quality is None:
            raise RefusedError("unknown_quality", f"{key}: {word!r:.60} is not good, uncertain or bad")
        if quality is Quality.BAD:
            columns.add(field.id, NAN, quality | flag, at_ns)
        elif said is None:
            columns.add(field.id, NAN, Quality.BAD | flag, at_ns)
            raise RefusedError("null_value", f"{key}: null without quality bad; the point turns bad")
        elif field.type is ValueType.TEXT:
            columns.add(field.id, NAN, quality | flag, at_ns, field.text(said))
        else:
            columns.add(field.id, field.value(said), quality | flag, at_ns)


class StateRoute:
    """online | offline: the device's own word, or the broker's after its last will."""

    __slots__ = ("_devices", "_ids", "decode", "keys", "row")

    def __init__(self, row: int, devices: Devices, fields: Mapping[str, Field]) -> None:
        self.row = row
        self.decode: _Decode = _not_fast
        self.keys: dict[tuple[str, ...], _Keys] = {}
        self._devices = devices
        self._ids = [field.id for field in fields.values()]

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """Offline turns all points of the device bad, once."""
        word = payload.strip().lower()
        if word.startswith((b"{", b'"')):
            said = strict_json(payload)
            said = said.get("state") if isinstance(said, dict) else said
            word = said.lower().encode() if isinstance(said, str) else b""
        online = self._devices.online
        if word == b"online":
            online[self.row] = True
        elif word == b"offline":
            if online[self.row] is not False:
                online[self.row] = False
                self._devices.trouble(self.row, "offline, says its state topic (last will)", now_ns)
                at_ns = max(now_ns, int(self._devices.newest_ns[self.row]) + MILLISECOND)
                for point in self._ids:
                    columns.add(point, NAN, Quality.BAD, at_ns)
        else:
            raise RefusedError("unknown_state", f"{payload[:40]!r} is not online or offline")


class VendorRoute:
    """A vendor's payload, read as the kind's mapping says."""

    __slots__ = ("_devices", "_fields", "_time", "_unit", "decode", "keys", "row")

    def __init__(self, row: int, devices: Devices, fields: Mapping[str, Field], mapping: MqttMapping) -> None:
        self.row = row
        self.decode: _Decode = _not_fast
        self.keys: dict[tuple[str, ...], _Keys] = {}
        self._devices = devices
        self._fields = [
            VendorField(fields[item.point], path(item.path), item.scale, item.offset, item.map)
            for item in mapping.fields
        ]
        self._time = None if mapping.time is None else path(mapping.time)
        self._unit = mapping.time_unit

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """As `Route.take`."""
        said = strict_json(payload)
        at_ns = now_ns if self._time is None else time_ns(follow(said, self._time), now_ns, self._unit)
        flag = HISTORICAL if retained else 0
        found = False
        for field in self._fields:
            value = follow(said, field.steps)
            if value is MISSING:
                continue
            found = True
            try:
                if field.is_text:
                    columns.add(field.id, NAN, flag, at_ns, field.text(value))
                else:
                    columns.add(field.id, field.value(value), flag, at_ns)
            except RefusedError as wrong:
                _refuse(self._devices, self.row, wrong, payload, now_ns, columns)
        if not found:
            raise RefusedError("no_values", "none of the mapping's paths is in this message")
        self._devices.newest_ns[self.row] = max(int(self._devices.newest_ns[self.row]), at_ns)


def _read(readers: Sequence[tuple[type | None, Callable[[object], float]]], values: Mapping[str, object]) -> list[Any]:
    """The values as what numpy makes doubles of. Raises RefusedError."""
    return [
        said if type(said) is plain else read(said)
        for (plain, read), said in zip(readers, values.values(), strict=True)
    ]


def _refuse(devices: Devices, row: int, wrong: RefusedError, payload: bytes, now_ns: int, columns: Columns) -> None:
    devices.refuse(row, f"{wrong.reason}: {wrong.detail}", now_ns)
    columns.refused.append(
        Quarantined(now_ns, f"mqtt/{devices.ids[row]}", wrong.reason, wrong.detail, bytes(payload[:EXCERPT]))
    )


def _points_by_asset(estate: Estate) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in estate.points.values():
        found.setdefault(point.asset, []).append(point)
    return found


def _points(points: Mapping[str, Sequence[Point]], device: Device) -> dict[str, Point]:
    """The keys a device may use: `p` when it watches one asset, `asset.p` when several. Points of other devices not."""
    watched = [watch.asset for watch in device.watches]
    return {
        point.key if len(watched) == 1 else f"{asset}.{point.key}": point
        for asset in watched
        for point in points.get(asset, ())
        if point.device in {None, device.id}
    }


def _mapping(estate: Estate, device: Device) -> MqttMapping:
    """The vendor mapping a device names. Raises ConfigurationError."""
    kinds = [estate.kind_of(watch.asset) for watch in device.watches]
    known: dict[str, Any] = {mapping.id: mapping for kind in kinds for mapping in kind.mqtt}
    if len(kinds) != 1 or device.mapping not in known:
        raise ConfigurationError(
            f"device {device.id}: mapping {device.mapping!r} needs exactly one watched asset whose kind declares it; "
            f"it watches {len(kinds)}, declared are {sorted(known) or 'none'}"
        )
    mapping: MqttMapping = known[device.mapping]
    return mapping
