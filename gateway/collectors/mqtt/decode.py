"""Topic and payload -> readings. Compiled once per device, looked up by the topic's bytes. Pure: time comes in.

The fast path takes a message whose values are all plain numbers: msgspec reads it, the key set (nearly always the same)
names the points, and the values go into the columns without a Python step per field. Everything unusual (words, flags,
qualities, replayed or suspicious messages) takes a slower path that explains itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from caretaker import wire
from caretaker.domain.assets import Device, Estate, Point
from caretaker.domain.assets import Protocol as DeviceProtocol
from caretaker.domain.equipment import MqttMapping, ValueType
from caretaker.domain.errors import ConfigurationError
from caretaker.domain.readings import HISTORICAL, Quality
from caretaker.ports import Quarantined
from gateway.collectors.mqtt.columns import Columns
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
from gateway.devices import DeviceStatus

EXCERPT: Final = 200
KEY_SETS: Final = 64
"""Different sets of keys remembered per device; a device that makes up more goes the slower way."""
_MS_LOW, _MS_HIGH = 100_000_000_000, 100_000_000_000_000


class _Numbers(msgspec.Struct, gc=False):
    """What a device says that has numbers only."""

    v: dict[str, float]
    ts: int | None = None
    seq: int | None = None
    q: dict[str, str] | None = None


class _Mixed(msgspec.Struct, gc=False):
    """What any other device says."""

    v: dict[str, float | bool | str]
    ts: int | None = None
    seq: int | None = None
    q: dict[str, str] | None = None


_numbers: Final = msgspec.json.Decoder(_Numbers).decode
_mixed: Final = msgspec.json.Decoder(_Mixed).decode


class Route(Protocol):
    """What to do with the payloads of one topic."""

    device: DeviceStatus

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """Write readings into the columns. Raises RefusedError when the whole message is refused."""
        ...


class Decoder:
    """All topics of an estate."""

    def __init__(self, estate: Estate) -> None:
        self.site = estate.site.id
        self.devices: dict[str, DeviceStatus] = {}
        self._routes: dict[bytes, Route] = {}
        filters = [wire.tele_topic(self.site, "+"), wire.state_topic(self.site, "+")]
        for device in estate.devices.values():
            if device.protocol is not DeviceProtocol.MQTT:
                continue
            status = self.devices[device.id] = DeviceStatus(device.id)
            points = _points(estate, device)
            fields = {key: Field(key, point) for key, point in points.items()}
            self._routes[wire.state_topic(self.site, device.id).encode()] = StateRoute(status, fields)
            if device.mapping == "canonical":
                self._routes[wire.tele_topic(self.site, device.id).encode()] = TeleRoute(status, fields)
            else:
                mapping = _mapping(estate, device)
                self._routes[mapping.topic.replace("{device}", device.id).encode()] = VendorRoute(
                    status, fields, mapping
                )
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
        find = self._routes.get
        for row, topic in enumerate(topics):
            payload = payloads[row]
            route = find(topic)
            if route is None:
                self._refuse_stranger(topic, payload, now_ns, columns)
                continue
            device = route.device
            device.messages += 1
            device.last_ns = now_ns
            try:
                if len(payload) > MAX_PAYLOAD:
                    raise RefusedError("too_large", f"a payload of {len(payload)} bytes, the limit is {MAX_PAYLOAD}")
                device.payload = payload
                route.take(payload, row in retained, now_ns, columns)
            except RefusedError as wrong:
                _refuse(device, wrong, payload, now_ns, columns)

    def _refuse_stranger(self, topic: bytes, payload: bytes, now_ns: int, columns: Columns) -> None:
        reason, detail = self._stranger(topic)
        columns.refused.append(Quarantined(now_ns, "mqtt", reason, detail, (topic + b" " + payload)[:EXCERPT]))

    def _stranger(self, topic: bytes) -> tuple[str, str]:
        shown = topic[:EXCERPT].decode("utf-8", "backslashreplace")
        levels = shown.split("/")
        if len(levels) == 5 and levels[:2] == ["caretaker", "v1"] and levels[4] in {"tele", "state"}:
            if levels[2] != self.site:
                return "wrong_site", f"{levels[2]!r} is not this site ({self.site})"
            if levels[3] in self.devices:
                return "unknown_topic", f"device {levels[3]} has a vendor mapping; its topic is not {shown!r}"
            return "unknown_device", f"no device {levels[3]!r} at {self.site} speaks MQTT; add it to the site file"
        return "unknown_topic", f"nothing is expected on {shown!r}"


class _Keys:
    """A set of keys a device uses: the points they name, and how to read each value (None: a number as it is)."""

    __slots__ = ("ids", "readers")

    def __init__(self, fields: Sequence[Field]) -> None:
        self.ids = array("I", [field.id for field in fields])
        self.readers = [None if field.type is ValueType.NUMBER else field.value for field in fields]


class TeleRoute:
    """The canonical payload of one device."""

    __slots__ = ("_decode", "_fields", "_keys", "device")

    def __init__(self, device: DeviceStatus, fields: Mapping[str, Field]) -> None:
        self.device = device
        self._fields = fields
        self._keys: dict[tuple[str, ...], _Keys] = {}
        self._decode: Callable[[bytes], _Numbers | _Mixed] = (
            _numbers if all(field.type is ValueType.NUMBER for field in fields.values()) else _mixed
        )

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """As `Route.take`."""
        try:
            said = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._explain(payload, retained, now_ns, columns)
            return
        values, ts, seq = said.v, said.ts, said.seq
        keys = self._keys.get(tuple(values)) or self._learn(values)
        # One colon for each key read: else a key came twice, or the message says more than we know.
        colons = len(values) + 1 + (ts is not None) + (seq is not None)
        if said.q is not None:
            colons += 1 + len(said.q)
            if any(word != "good" for word in said.q.values()):
                keys = None
        if (
            keys is None
            or retained
            or payload.count(b":") != colons
            or (ts is not None and not _MS_LOW <= ts < _MS_HIGH)
        ):
            self._explain(payload, retained, now_ns, columns)
            return
        at_ns = now_ns if ts is None else ts * MILLISECOND
        if isinstance(said, _Numbers):
            columns.add_message(keys.ids, said.v.values(), at_ns)
        else:
            try:
                columns.add_message(keys.ids, _read(keys, values), at_ns)
            except RefusedError:
                self._explain(payload, retained, now_ns, columns)
                return
        device = self.device
        device.newest_ns = max(device.newest_ns, at_ns)
        if seq is not None:
            device.count_seq(seq)

    def _learn(self, values: Mapping[str, object]) -> _Keys | None:
        """A set of keys not met before; None when one of them needs the slower path."""
        if not values or len(self._keys) >= KEY_SETS:
            return None
        fields = [self._fields.get(key) for key in values]
        known = [field for field in fields if field is not None and field.type is not ValueType.TEXT]
        if len(known) != len(values):
            return None
        keys = self._keys[tuple(values)] = _Keys(known)
        return keys

    def _explain(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """The slow path: every field on its own. Raises RefusedError for the message as a whole."""
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
        if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int)):
            raise RefusedError("wrong_type", f'"seq" is {seq!r}, an integer is expected')
        at_ns = time_ns(said.get("ts"), now_ns)
        flag = HISTORICAL if retained else 0
        for key, value in values.items():
            try:
                self._one(key, value, qualities.get(key, "good"), flag, at_ns, columns)
            except RefusedError as wrong:
                _refuse(self.device, wrong, payload, now_ns, columns)
        self.device.newest_ns = max(self.device.newest_ns, at_ns)
        if seq is not None:
            self.device.count_seq(seq)

    def _one(self, key: str, said: object, word: object, flag: int, at_ns: int, columns: Columns) -> None:
        field = self._fields.get(key)
        if field is None:
            raise RefusedError("unknown_point", f"{self.device.id} has no point {key[:80]!r}")
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

    __slots__ = ("_ids", "device")

    def __init__(self, device: DeviceStatus, fields: Mapping[str, Field]) -> None:
        self.device = device
        self._ids = [field.id for field in fields.values()]

    def take(self, payload: bytes, retained: bool, now_ns: int, columns: Columns) -> None:
        """Offline turns all points of the device bad, once."""
        word = payload.strip().lower()
        if word.startswith((b"{", b'"')):
            said = strict_json(payload)
            said = said.get("state") if isinstance(said, dict) else said
            word = said.lower().encode() if isinstance(said, str) else b""
        if word == b"online":
            self.device.online = True
        elif word == b"offline":
            if self.device.online is not False:
                self.device.online = False
                self.device.error, self.device.error_ns = "offline, says its state topic (last will)", now_ns
                at_ns = max(now_ns, self.device.newest_ns + MILLISECOND)
                for point in self._ids:
                    columns.add(point, NAN, Quality.BAD, at_ns)
        else:
            raise RefusedError("unknown_state", f"{payload[:40]!r} is not online or offline")


class VendorRoute:
    """A vendor's payload, read as the kind's mapping says."""

    __slots__ = ("_fields", "_time", "_unit", "device")

    def __init__(self, device: DeviceStatus, fields: Mapping[str, Field], mapping: MqttMapping) -> None:
        self.device = device
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
                _refuse(self.device, wrong, payload, now_ns, columns)
        if not found:
            raise RefusedError("no_values", "none of the mapping's paths is in this message")
        self.device.newest_ns = max(self.device.newest_ns, at_ns)


def _read(keys: _Keys, values: Mapping[str, float | bool | str]) -> list[float]:
    """The values as doubles. Raises RefusedError."""
    out: list[float] = []
    for reader, said in zip(keys.readers, values.values(), strict=True):
        if reader is not None:
            out.append(reader(said))
        elif type(said) is float:
            out.append(said)
        else:
            raise RefusedError("wrong_type", "")
    return out


def _refuse(device: DeviceStatus, wrong: RefusedError, payload: bytes, now_ns: int, columns: Columns) -> None:
    device.refuse(f"{wrong.reason}: {wrong.detail}", now_ns)
    columns.refused.append(
        Quarantined(now_ns, f"mqtt/{device.id}", wrong.reason, wrong.detail, bytes(payload[:EXCERPT]))
    )


def _points(estate: Estate, device: Device) -> dict[str, Point]:
    """The keys a device may use: `p` when it watches one asset, `asset.p` when several. Points of other devices not."""
    watched = [watch.asset for watch in device.watches]
    return {
        point.key if len(watched) == 1 else f"{point.asset}.{point.key}": point
        for point in estate.points.values()
        if point.asset in watched and point.device in {None, device.id}
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
