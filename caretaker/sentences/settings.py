"""Settings, files of the site and keys that are wrong: said at the start, by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- settings
    "CARETAKER_{name}={value}: {why:sentence}": "CARETAKER_{name}={value}：{why}",
    "CARETAKER_{name}={value}: {why:sentence}; expected: {what:sentence}": (
        "CARETAKER_{name}={value}：{why}；应为：{what}"
    ),
    "CARETAKER_MQTT: {value} is not a broker address: {why:sentence}. Expected mqtt://[user:password@]host:port[?version=3|5]": (
        "CARETAKER_MQTT：{value} 不是消息服务的地址：{why}。应为 mqtt://[user:password@]host:port[?version=3|5]"
    ),
    "it does not start with mqtt:// or mqtts:// and a host": "应以 mqtt:// 或 mqtts:// 加主机名开头",
    "the port is not a number from 1 to 65535": "端口应为 1 到 65535 的数",
    "the only option is version=3 (for MQTT 3.1.1) or version=5": "选项只有 version=3（MQTT 3.1.1）或 version=5",
    "CARETAKER_WEBHOOK: {url} is no http:// or https:// address": (
        "CARETAKER_WEBHOOK：{url} 不是 http:// 或 https:// 地址"
    ),
    "the webhook secret begins with whsec_ but the rest is not base64": "webhook 密钥以 whsec_ 开头，但后面不是 base64",
    "CARETAKER_SQL: {url} is no database URL ({why})": "CARETAKER_SQL：{url} 不是数据库地址（{why}）",
    "CARETAKER_STORE: {name} is none of {shapes:name}": "CARETAKER_STORE：{name} 不是 {shapes} 之一",
    "CARETAKER_STORE is {url}; expected influx1+http://host:port/database or"
    " influx2+http://host:port/?org=…&bucket=…": (
        "CARETAKER_STORE 是 {url}，应为 influx1+http://host:port/database 或 influx2+http://host:port/?org=…&bucket=…"
    ),
    "CARETAKER_STORE_TOKEN_FILE: {file} cannot be read ({why:sentence})": (
        "CARETAKER_STORE_TOKEN_FILE：{file} 读不了（{why}）"
    ),
    "InfluxDB {version} answers at {url}: set CARETAKER_STORE to influx2+http://…/?org=…&bucket=…": (
        "{url} 应答的是 InfluxDB {version}：请把 CARETAKER_STORE 设为 influx2+http://…/?org=…&bucket=…"
    ),
    "CARETAKER_STORE={value} belongs to one process (`caretaker up`); parts that run alone share InfluxDB:"
    " influx1+http://host:port/database or influx2+http://host:port/?org=…&bucket=…": (
        "CARETAKER_STORE={value} 只供一个进程使用（`caretaker up`）；分开运行的各部分共用 InfluxDB："
        "influx1+http://host:port/database 或 influx2+http://host:port/?org=…&bucket=…"
    ),
    "{key}: {path} cannot be read: {why:sentence}": "{key}：{path} 读不了：{why}",
    "health {part}: expected gateway, ingest, rules or api": "health {part}：应为 gateway、ingest、rules 或 api",
    "https {host}:{port:number}: cannot listen there ({why:sentence})": "https {host}:{port}：无法监听（{why}）",
    "the embedded MQTT broker cannot listen on {host}:{port:number} ({why:sentence});"
    " stop the other program there or give another address with --mqtt HOST:PORT": (
        "内置 MQTT 服务无法监听 {host}:{port}（{why}）；请停掉占用它的程序，或用 --mqtt HOST:PORT 换一个地址"
    ),
    "another program listens on {port:number}": "别的程序占用了端口 {port}",
    "it did not come up": "它没有启动起来",
    # ---- databases and keys
    "{url}: {why}; was it written by a newer Caretaker?": "{url}：{why}；是不是更新版本的 Caretaker 写的？",
    "{url}: {why}; move it away, or choose another data folder (--data)": (
        "{url}：{why}；请把它移走，或换一个数据目录（--data）"
    ),
    "the data folder {folder} cannot be made: {why:sentence}": "数据目录 {folder} 建不了：{why}",
    "the audit key in {folder}: {why:sentence}": "{folder} 里的审计密钥：{why}",
    "{path} holds no key: expected 64 hexadecimal digits": "{path} 里没有密钥：应为 64 位十六进制数",
    "{path} holds no key: expected 64 hexadecimal digits; restore it from the backup": (
        "{path} 里没有密钥：应为 64 位十六进制数；请从备份恢复"
    ),
    "{path} cannot be read as an audit head ({why})": "{path} 不能当作审计链头读取（{why}）",
    "the key file {path} cannot be read ({why}); without it no sticker of site {site} is valid:"
    " bring it back from a backup, or remove it and print all labels anew": (
        "密钥文件 {path} 读不了（{why}）；没有它，项目 {site} 的二维码全部无效：请从备份恢复，或删除它并重打全部标签"
    ),
    "the key file {path} cannot be written: {why:sentence}": "密钥文件 {path} 无法写入：{why}",
    # ---- files of the site and of the kinds
    "{folder}: no such folder; expected one with equipment kinds (*.yaml)": (
        "{folder}：没有这个目录；应为放设备类型（*.yaml）的目录"
    ),
    "{folder}: holds no *.yaml; expected one file per equipment kind": (
        "{folder}：里面没有 *.yaml；应每种设备类型一个文件"
    ),
    "{path}: no such file or folder; expected the YAML file or the folder of a site": (
        "{path}：没有这个文件或目录；应为站点的 YAML 文件或目录"
    ),
    "{path}: holds no *.yaml; expected the files of a site ({sections})": (
        "{path}：里面没有 *.yaml；应为站点的文件（{sections}）"
    ),
    "{path}: no section {missing} in any of its files; expected the sections {sections}": (
        "{path}：文件里没有 {missing} 这一节；应有 {sections} 各节"
    ),
    "{schema}: cannot be read as JSON ({why}); restore it from the repository": (
        "{schema}：不是 JSON（{why}）；请从代码库恢复"
    ),
    "{path}: cannot be read: {why:sentence}; expected a YAML file that this user may read": (
        "{path}：读不了：{why}；应为当前用户可读的 YAML 文件"
    ),
    "{path}: larger than {most:number} bytes; a file of this house is far smaller": (
        "{path}：超过 {most} 字节，正常的文件远没有这么大"
    ),
    "{path}:{line:number}: not UTF-8 (byte 0x{byte}); save the file as UTF-8": (
        "{path}:{line}：不是 UTF-8（字节 0x{byte}）；请存为 UTF-8"
    ),
    "{path}:{line:number}: not YAML: {why}": "{path}:{line}：不是 YAML：{why}",
    "{path}:{line:number}: not YAML: {why}; YAML indents with spaces, never with tabs": (
        "{path}:{line}：不是 YAML：{why}；YAML 用空格缩进，不用制表符"
    ),
    "{path}: not YAML: {why}": "{path}：不是 YAML：{why}",
    "{path}: empty; expected a mapping of keys to values": "{path}：是空的；应为 键: 值",
    "{path}:1: found {found} at the top; expected a mapping of keys to values": (
        "{path}:1：最外层是{found}；应为 键: 值"
    ),
    "{path}: kind {kind} is already in {file}; expected one file per kind": (
        "{path}：类型 {kind} 已在 {file} 里；应每种类型一个文件"
    ),
    "{path}:{line:number}: {why:sentence}": "{path}:{line}：{why}",
    "a second document ('---'); expected one document per file": "有第二个文档（---）；应每个文件一个文档",
    "alias '*{name}'; aliases are not allowed, write the value out": "引用 *{name}；不能用引用，请直接写出值",
    "anchor '&{name}'; anchors are not allowed, write the value out": "锚点 &{name}；不能用锚点，请直接写出值",
    "tag '{tag}'; tags are not allowed, write a plain value": "标签 {tag}；不能用标签，请直接写值",
    "merge key '<<'; merging is not allowed, write the keys out": "合并键 <<；不能合并，请逐个写出",
    "key '{key}' is given twice, first on line {line:number}; keep one": (
        "键 {key} 写了两次，第一次在第 {line} 行；请只留一个"
    ),
    "a list or mapping as a key; expected a word as a key": "用列表或映射作键；键应为一个词",
    "nested deeper than {most:number} levels": "嵌套超过 {most} 层",
    "found {found}; expected a value": "是 {found}；应为一个值",
    "{value}; expected a finite number": "{value}；应为有限的数",
    "{value} is too large; expected a finite number": "{value} 太大；应为有限的数",
    # ---- rules
    "rule {rule} has no terms": "规则 {rule} 没有条件",
    "rule {rule}: delays are not negative": "规则 {rule}：延时不能为负",
    "asset {asset} has no point {point}": "设备 {asset} 没有测点 {point}",
    "{point}: relative_to goes with above and below, not with {op}": (
        "{point}：relative_to 只能配 above 和 below，不能配 {op}"
    ),
    "{point}: limits, deadbands and times must be finite numbers": "{point}：限值、回差和时间必须是有限的数",
    "{point}: a deadband is not negative, found {found:number}": "{point}：回差不能为负，这里是 {found}",
    "{point}: {op} needs within_s above 0, found {found}": "{point}：{op} 的 within_s 应大于 0，这里是 {found}",
    "{point}: stale needs an age above 0 s, found {found}": "{point}：stale 的时间应大于 0 秒，这里是 {found}",
    # ---- devices and their registers
    "device {device}: connection {connection} is not there; known: {known}": (
        "采集设备 {device}：没有连接 {connection}；已有：{known}"
    ),
    "connection {connection}: {address} is not host:port": "连接 {connection}：{address} 应为 host:port",
    "unknown Modbus type {type}; known: {known}": "不认识的 Modbus 类型 {type}；可用：{known}",
    "a string needs `words`: how many registers it takes": "字符串要写 `words`：占多少个寄存器",
    "unknown order {order}; known: {known}": "不认识的字节顺序 {order}；可用：{known}",
    "a {type} has no bit {bit:number} with width {width:number}": "{type} 没有第 {bit} 位、宽 {width} 的位段",
    "device {device}: point {point} of {asset} lies at {address:number}, outside 0 to 65535": (
        "采集设备 {device}：{asset} 的测点 {point} 在地址 {address}，超出 0 到 65535"
    ),
    "the value at {table} {address:number} takes {words:number} words, more than one read of this device"
    " ({most:number}): raise max_words": (
        "{table} {address} 处的值占 {words} 个字，超过这台设备一次读取的上限（{most}）：请调大 max_words"
    ),
    "device {device}: mapping {mapping} needs exactly one watched asset whose kind declares it;"
    " it watches {n:number}, declared are {known:sentence}": (
        "采集设备 {device}：映射 {mapping} 要恰好一台声明了它的设备；现在看管 {n} 台，已声明：{known}"
    ),
    "none": "无",
}

DESCRIBED: Final[Mapping[str, str]] = {
    "folder for databases and the journal": "放数据库和读数日志的目录",
    "HOST:PORT of page and API": "网页和接口的 HOST:PORT",
    "HOST:PORT of the https door; empty = 0.0.0.0:8443 once there is a certificate; off = never": (
        "https 的 HOST:PORT；空 = 有证书后用 0.0.0.0:8443；off = 不用"
    ),
    "broker: mqtt://[user:password@]host:port[?version=3|5]; empty = none": (
        "消息服务：mqtt://[user:password@]host:port[?version=3|5]；空 = 没有"
    ),
    "file with the broker password": "存放消息服务密码的文件",
    "folder of equipment kinds": "设备类型的目录",
    "folder of one site": "一个站点的目录",
    "SQLAlchemy URL; empty = SQLite in the data folder": "SQLAlchemy 地址；空 = 数据目录里的 SQLite",
    "file with the database password": "存放数据库密码的文件",
    "blocks | memory | influx1+http://host:port/database | influx2+http://host:port/?org=…&bucket=…": (
        "以下之一：blocks | memory | influx1+http://host:port/database | influx2+http://host:port/?org=…&bucket=…"
    ),
    "file with the InfluxDB token or password": "存放 InfluxDB 令牌或密码的文件",
    "URL that gets notices of alarms, orders, incidents and calls; empty = log only": (
        "接收告警、工单、事件和呼叫通知的地址；空 = 只写日志"
    ),
    "stop acknowledging above this disk use": "磁盘占用超过它就停止接收",
    "raw readings older than this are forgotten": "早于它的原始读数会删除",
    "seconds until the next people are called for an SOS": "求助多少秒没人接就呼叫下一批人",
    "the same for every other critical incident": "其他紧急事件多少秒没人接就呼叫下一批人",
    "calls for one incident before the ladder ends": "一起事件最多呼叫多少次",
    "Modbus connection id -> host:port, overrides the site file": "Modbus 连接编号 -> host:port，优先于站点文件",
    "Input should be a valid integer, unable to parse string as an integer": "应为整数",
    "Input should be a valid number, unable to parse string as a number": "应为数字",
    "Input should be a valid boolean, unable to interpret input": "应为 true 或 false",
    "Input should be greater than {least:number}": "应大于 {least}",
    "Input should be greater than or equal to {least:number}": "应不小于 {least}",
    "Input should be less than or equal to {most:number}": "应不大于 {most}",
    "Input should be 'reject' or 'drop_oldest'": "应为 reject 或 drop_oldest",
    "String should match pattern '{pattern}'": "格式不对",
    "String should have at least {least:number} character": "不能为空",
    "String should have at most {most:number} characters": "最多 {most} 个字符",
    "Extra inputs are not permitted": "没有这个设置",
    "Value error, expected connection=host:port, separated by commas": "应为 connection=host:port，用逗号分隔",
}
"""What a setting is for, and what pydantic says about a wrong one."""
