"""What a request asks for: things of the estate, readings, ranges, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- the estate
    "no site {site} has been loaded yet": "还没有载入项目 {site}",
    "there is no equipment kind {kind}": "没有设备类型 {kind}",
    "there is no device {device}": "没有采集设备 {device}",
    "there is no point {point}": "没有测点 {point}",
    "{thing} has no point {point}": "{thing} 没有测点 {point}",
    "at most {most:number} points at once, got {found:number}": "一次最多 {most} 个测点，这里有 {found} 个",
    "to_ms ({to:number}) must be later than from_ms ({from_:number})": (
        "结束时间 to_ms（{to}）应晚于开始时间 from_ms（{from_}）"
    ),
    "more than {most:number} buckets; every_ms >= {least:number}": "超过 {most} 个时间段，every_ms 至少取 {least}",
    # ---- readings that are sent
    "send an Idempotency-Key with each new set of readings": "每组新读数请带一个 Idempotency-Key",
    "a reading without a value must have q = bad": "没有值的读数，q 必须是 bad",
    "{point} takes a text": "{point} 要填文字",
    "{point} takes a number or bool": "{point} 要填数字或布尔值",
    # ---- any request
    "this Idempotency-Key was used for another request; take a new one": (
        "这个 Idempotency-Key 已用于另一个请求，请换一个"
    ),
    "the database does not take such a value: {why}": "数据库不接受这样的值：{why}",
    "there is no /{path}": "没有 /{path} 这个地址",
    "/{path} does not take {method}": "/{path} 不接受 {method}",
    "/{path} is not part of this build": "这个版本里没有 /{path}",
    "more than {most:number} bytes": "超过 {most} 字节",
}
