"""What is wrong in the files of a site and of the equipment kinds, for whoever writes them. Their keys stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- names that are not there
    "unknown asset {which:sentence}": "没有设备 {which}",
    "unknown checkpoint {which:sentence}": "没有巡检点 {which}",
    "unknown code word {which:sentence}": "没有代码词 {which}",
    "unknown connection {which:sentence}": "没有连接 {which}",
    "unknown kind {which:sentence}": "没有设备类型 {which}",
    "unknown mapping {which:sentence}": "没有映射 {which}",
    "unknown mapping of kind {kind}: {which:sentence}": "类型 {kind} 没有映射 {which}",
    "unknown point {which:sentence}": "没有测点 {which}",
    "unknown point of {asset}: {which:sentence}": "{asset} 没有测点 {which}",
    "unknown rule of {kind}: {which:sentence}": "{kind} 没有规则 {which}",
    "unknown space {which:sentence}": "没有位置 {which}",
    "unknown team {which:sentence}": "没有班组 {which}",
    "unknown time zone {zone}; expected an IANA name like Asia/Shanghai": (
        "没有时区 {zone}；应为 IANA 名称，如 Asia/Shanghai"
    ),
    "not a number point: {which:sentence}": "不是数值测点：{which}",
    "not in failure_modes: {which:sentence}": "不在 failure_modes 里：{which}",
    "id {id} is given twice": "编号 {id} 写了两次",
    "id {id} is given twice, first on line {line:number}": "编号 {id} 写了两次，第一次在第 {line} 行",
    "this section is already in {file}; keep it in one file": "这一节已在 {file} 里；请只放在一个文件",
    # ---- spaces, assets, devices
    "{space} lies inside itself; expected a tree": "{space} 套在自己里面；应为树状",
    "{asset} is already watched by {device}; expected one device per asset": (
        "{asset} 已由 {device} 看管；应每台设备一个采集设备"
    ),
    "the tag is already at {place}; expected one place per tag": "这个标签已在 {place}；应每个标签一处",
    "a Modbus device without connection": "Modbus 设备没有写 connection",
    "an mqtt device speaks for one asset; expected one entry": "一个 mqtt 设备只代表一台设备；应只有一项",
    "kind {kind} has no modbus addresses; expected protocol: mqtt": "类型 {kind} 没有 modbus 地址；应为 protocol: mqtt",
    "has no meaning for a {protocol} device; remove it": "对 {protocol} 设备没有意义，请删掉",
    "has no meaning for an mqtt device; remove it": "对 mqtt 设备没有意义，请删掉",
    "{cell} of unit {unit} on {connection} is already read for {point} of device {device};"
    " expected another offset or unit": (
        "{connection} 上站号 {unit} 的 {cell} 已用于设备 {device} 的 {point}；应换一个偏移或站号"
    ),
    "{cell} of unit {unit} on {connection} lies beyond 65535; expected a smaller offset": (
        "{connection} 上站号 {unit} 的 {cell} 超出 65535；应减小偏移"
    ),
    # ---- points and registers
    "{type} for a {sort} point; text points and only they are of type string": (
        "{type} 用在 {sort} 测点上；只有文字测点用 string"
    ),
    "{cell} is already taken by {point}; expected a free address": "{cell} 已被 {point} 占用；应为空闲地址",
    "{point} has no modbus address; a sample needs one": "{point} 没有 modbus 地址；样例需要地址",
    "{point} is mapped twice; expected one field per point": "{point} 映射了两次；应每个测点一个字段",
    "{point} swaps words, but {type} is one word; expected ABCD or BADC": (
        "{point} 交换了字序，但 {type} 只有一个字；应为 ABCD 或 BADC"
    ),
    "{address} plus {words} registers goes beyond 65535": "{address} 加 {words} 个寄存器超出 65535",
    "'canonical' is the name of our own message shape; expected another id": (
        "canonical 是本系统自己的消息格式名；请换一个编号"
    ),
    "a {sort} point in the {table} table of single bits; expected input or holding": (
        "{sort} 测点放在单个位的 {table} 表里；应为 input 或 holding"
    ),
    "a bit of {type}; expected type uint16 or uint32": "取 {type} 的位；类型应为 uint16 或 uint32",
    "bits {first} to {last} do not lie in {type}": "第 {first} 到 {last} 位不在 {type} 之内",
    "width without bit; expected bit: the lowest of the bits that make the number": (
        "有 width 没有 bit；应写 bit：最低的那一位"
    ),
    "words goes with type string and only with it: the number of registers of the text": (
        "words 只配 string 类型：文字占多少个寄存器"
    ),
    "a number point without range; expected range: [lowest, highest] of what is plausible": (
        "数值测点没有 range；应写 range: [最低, 最高] 的合理范围"
    ),
    "an enum point without codes; expected codes: {codes:name}": "枚举测点没有 codes；应写 codes: {codes}",
    "a payload without values; expected values: {what:name}": "有 payload 没有 values；应写 values: {what}",
    "codes on a {sort} point; expected type: enum": "{sort} 测点写了 codes；应为 type: enum",
    "has no meaning for {type}; it belongs to type string": "对 {type} 没有意义；它属于 string 类型",
    "has no meaning in the {table} table, whose cells are single bits; remove it": (
        "{table} 表的每格只有一位，这里没有意义，请删掉"
    ),
    "has no meaning with {key}; remove it": "与 {key} 一起没有意义，请删掉",
    "incomplete; expected point, value and one of registers, bits, bytes, or else payload and values": (
        "不完整；应有 point、value 和 registers、bits、bytes 之一，或者 payload 和 values"
    ),
    # ---- rules and checks
    "{op} needs 'within', the time in which the change happens, e.g. within: 10min": (
        "{op} 要写 within：变化发生在多长时间内，如 within: 10min"
    ),
    "{op} needs a {sort} point, but {point} is of type {type}": "{op} 要用 {sort} 测点，但 {point} 是 {type}",
    "compares with {found}; expected exactly one of: {known}": "比较写了 {found}；应恰好有一种：{known}",
    "compares with nothing; expected exactly one of: {known}": "没有写比较；应恰好有一种：{known}",
    "has {found}; expected exactly one of: {known}": "写了 {found}；应恰好有一种：{known}",
    "has no condition; expected exactly one of: {known}": "没有条件；应恰好有一种：{known}",
    "missing {keys}; a rule of priority {priority} must tell cause, consequence and action"
    " (if nobody need act it is not an alarm)": (
        "缺 {keys}；优先级为 {priority} 的规则要写原因、后果和措施（不需要人做什么的不算告警）"
    ),
    "the first comparison of {rule} is {op}, it has no {key}": "{rule} 的第一个比较是 {op}，没有 {key}",
    "a {sort} check with choices; choices belong to choice": "{sort} 检查项写了 choices；choices 属于 choice",
    "a {sort} check without choices; choices belong to choice": "{sort} 检查项没有 choices；choice 要写 choices",
    "expect on a {sort} check; it belongs to yes_no": "{sort} 检查项写了 expect；它属于 yes_no",
    "graded on a {sort} check; it belongs to choice, and to number with limits": (
        "{sort} 检查项写了 graded；它属于 choice，或带 limits 的 number"
    ),
    # ---- what was found and what is expected
    "found {found}; {point} is in {unit}": "这里是 {found}；{point} 的单位是 {unit}",
    "found {found}; expected a code of {point}: {codes}": "这里是 {found}；应为 {point} 的代码：{codes}",
    "found {found}; expected a day of the calendar like 2026-11-24": "这里是 {found}；应为日期，如 2026-11-24",
    "found {found}; expected true or false, because {point} is a bool point": (
        "这里是 {found}；应为 true 或 false，因为 {point} 是布尔测点"
    ),
    "found {found}; expected [lowest, highest] on a number check": "这里是 {found}；数值检查项应为 [最低, 最高]",
    "found {found} on a {sort} point; expected [lowest, highest] on a number point": (
        "{sort} 测点上是 {found}；应为数值测点上的 [最低, 最高]"
    ),
    "found {found}, outside the plausible range {range} of {point}: it could never be compared": (
        "这里是 {found}，超出 {point} 的合理范围 {range}：永远比不上"
    ),
    "found {found}; the {table} table holds single bits: expected bool": (
        "这里是 {found}；{table} 表只有单个位：应为 bool"
    ),
    "found 0; expected another number, or every value would be the same": "这里是 0；应为别的数，否则每个值都一样",
    "found {found:sentence}": "这里是 {found}",
}

SCHEMA: Final[Mapping[str, str]] = {
    "{found:value}; expected one of: {names}": "{found}；应为以下之一：{names}",
    "{found:value}; expected one of: {names} (did you mean {near}?)": "{found}；应为以下之一：{names}（是不是 {near}？）",
    "one of: {names}": "以下之一：{names}",
    "one of: {names} (did you mean {near}?)": "以下之一：{names}（是不是 {near}？）",
    "unknown key {which:sentence}": "没有这个键 {which}",
    "unknown key {key}; expected keys like {pattern}": "没有这个键 {key}；键应像 {pattern}",
    "missing {keys}; required keys: {needed}": "缺 {keys}；必须有：{needed}",
    "missing {keys}; required keys: {needed}; further keys: {more}": "缺 {keys}；必须有：{needed}；还可以有：{more}",
    "found {found:sentence}; expected {what:sentence}": "这里是{found}；应为{what}",
    "found {found:sentence}; expected at least {least:number}": "这里是{found}；应至少为 {least}",
    "found {found:sentence}; expected at most {most:number}": "这里是{found}；应最多为 {most}",
    "found {found:sentence}; expected more than {least:number}": "这里是{found}；应大于 {least}",
    "found {found:sentence}; expected a length of at most {most:number}": "这里是{found}；最多 {most} 个字符",
    "empty text; expected at least one character": "文字是空的；至少要一个字符",
    "{n:number} entries; expected at least {least:number}": "有 {n} 项；应至少 {least} 项",
    "{n:number} entries; expected at most {most:number}": "有 {n} 项；应最多 {most} 项",
    "no key; expected at least {least:number}": "没有键；应至少有 {least} 个",
    "the text {text}": "文字 {text}",
    "the number {number}": "数字 {number}",
    "the boolean {value}": "布尔值 {value}",
    "nothing": "空",
    "a mapping": "映射",
    "a list": "列表",
    "text": "文字",
    "a number": "数字",
    "a whole number": "整数",
    "true or false": " true 或 false",
    "true or false (only the words true and false are booleans)": " true 或 false（只有这两个词算布尔值）",
}
"""What the JSON schemas of the files refuse, and how a value found there is named."""
