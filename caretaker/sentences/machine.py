"""Journal, stores, databases and files: what the machine or its disk does not do now, and the system's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- the journal
    "the journal is closed": "读数日志已关闭",
    "the disk refused to write the journal; it is opened again in a second": "磁盘拒绝写入读数日志，一秒后自动重开",
    "journal record {record:number} is missing": "读数日志缺第 {record} 条记录",
    "journal record {record:number} has no index row; restore the journal from a backup": (
        "读数日志第 {record} 条记录没有索引，请从备份恢复日志"
    ),
    "journal record {record:number} is damaged (checksum or length does not match);"
    " restore the journal from a backup or move it away to start an empty one": (
        "读数日志第 {record} 条记录已损坏（校验和或长度不符），请从备份恢复，或把它移走，从空日志开始"
    ),
    "key and batch id take at most {most:number} bytes each": "键和批号最多各 {most} 字节",
    "a journal record takes at most {most:number} bytes, this one has {found:number}": (
        "一条日志记录最多 {most} 字节，这条有 {found} 字节"
    ),
    "a journal record takes at most {most:number} bytes, this one has {found:number}; send smaller batches": (
        "一条日志记录最多 {most} 字节，这条有 {found} 字节，请分成小批发送"
    ),
    "the journal keeps {found:number} of {most:number} bytes that its readers still need": (
        "读数日志已占 {found} 字节（上限 {most}），后面的处理还需要这些记录"
    ),
    "the journal keeps {found:number} of {most:number} bytes that its readers still need;"
    " see which reader is behind (health), or raise CARETAKER_JOURNAL_LIMIT_BYTES": (
        "读数日志已占 {found} 字节（上限 {most}），后面的处理还需要这些记录；请看哪个环节落后（运行状态），"
        "或调大 CARETAKER_JOURNAL_LIMIT_BYTES"
    ),
    "{folder}: the disk is {share:number} full, above the soft limit of {most:number};"
    " nothing more is acknowledged until there is space": (
        "{folder}：磁盘已用 {share}，超过软上限 {most}；腾出空间之前不再接收"
    ),
    "{folder}: no space left on the disk to open the journal; free some space": (
        "{folder}：磁盘没有空间打开读数日志，请腾出空间"
    ),
    "cannot {doing:sentence}: {folder}: no space left on the disk": "无法{doing}：{folder}：磁盘没有空间",
    "cannot {doing:sentence}: {why:sentence}; free space or raise journal_limit_bytes": (
        "无法{doing}：{why}；请腾出空间，或调大 journal_limit_bytes"
    ),
    "cannot {doing:sentence}: {why:sentence}; look at the disk (dmesg, SMART)": (
        "无法{doing}：{why}；请检查磁盘（dmesg、SMART）"
    ),
    "{folder}: the journal cannot be opened for writing ({why:sentence});"
    " give Caretaker a data folder of its own that it may write (CARETAKER_DATA or --data)": (
        "{folder}：读数日志无法打开写入（{why}）；请给 Caretaker 一个可写的专用数据目录（CARETAKER_DATA 或 --data）"
    ),
    "{folder}: data.mdb is an LMDB file of another program (it holds {names}); point CARETAKER_DATA to a folder of its own": (
        "{folder}：data.mdb 是别的程序的 LMDB 文件（内有 {names}）；请把 CARETAKER_DATA 指到专用目录"
    ),
    "{folder}: the journal has format {found}, this program reads {expected}": (
        "{folder}：读数日志的格式是 {found}，本程序读 {expected}"
    ),
    "{folder}: this process opened the journal for reading only": "{folder}：本进程只以只读方式打开了读数日志",
    "read the journal's bookkeeping": "读取日志的登记",
    "read the journal": "读取读数日志",
    "read the quarantine": "读取被拒记录",
    "append to the journal": "写入读数日志",
    "note how far a reader is": "记下处理进度",
    "set refused input aside": "保存被拒的内容",
    "it is another program's database": "这是别的程序的数据库",
    "journal": "读数日志",
    "reading store": "时序库",
    # ---- the store of readings
    "write blocks": "写入数据块",
    "forget old readings": "删除过期读数",
    "the reading store is closed": "时序库已关闭",
    "{why}; restore readings.db from a backup": "{why}；请从备份恢复 readings.db",
    "{file}: cannot {doing:sentence}: {why:sentence}; look at the disk": "{file}：无法{doing}：{why}；请检查磁盘",
    "{file}: cannot be read: {why:sentence}": "{file}：读不了：{why}",
    "{file}: the reading store cannot be opened ({why:sentence}); move the file away,"
    " or choose a folder Caretaker may write (CARETAKER_DATA, --data)": (
        "{file}：时序库打不开（{why}）；请把文件移走，或换一个可写的目录（CARETAKER_DATA、--data）"
    ),
    "InfluxDB refuses {n:number} readings: {why}": "InfluxDB 拒收 {n} 个读数：{why}",
    "InfluxDB at {url} answered {status:number}: {text}": "InfluxDB（{url}）应答 {status}：{text}",
    "InfluxDB at {url} answered {status:number} {text}": "InfluxDB（{url}）应答 {status} {text}",
    "InfluxDB at {url} does not answer: {why}": "InfluxDB（{url}）没有应答：{why}",
    "{url}: InfluxDB cannot answer: {why}": "{url}：InfluxDB 不能应答：{why}",
    "{url}/query did not answer in InfluxQL's JSON: {text}": "{url}/query 的应答不是 InfluxQL 的 JSON：{text}",
    "{place} answered {status:number}: {text}": "{place} 应答 {status}：{text}",
    # ---- the database
    "the database does not take this now: {why}": "数据库暂时不接受：{why}",
    "{url} cannot be opened: {why:sentence}": "{url} 打不开：{why}",
    # ---- one process a folder
    "{folder}: process {process} already writes this {what:sentence}; stop it, or choose another folder with --data": (
        "{folder}：进程 {process} 正在写这里的{what}；请先停止它，或用 --data 换一个目录"
    ),
    "{folder}: the {what:sentence} cannot be written ({why:sentence}); {step:sentence}": (
        "{folder}：{what}无法写入（{why}）；{step}"
    ),
    "free some space": "请腾出空间",
    "choose a folder Caretaker may write (CARETAKER_DATA, --data)": "请换一个可写的目录（CARETAKER_DATA、--data）",
    "the {part} ended by itself": "{part} 自行退出了",
}

SYSTEM: Final[Mapping[str, str]] = {
    "No such file or directory": "没有这个文件或目录",
    "Permission denied": "没有权限",
    "Is a directory": "这是一个目录",
    "Not a directory": "这不是目录",
    "File exists": "文件已存在",
    "No space left on device": "磁盘没有空间",
    "Read-only file system": "文件系统是只读的",
    "Input/output error": "读写出错",
    "Address already in use": "端口已被占用",
    "Cannot assign requested address": "本机没有这个地址",
    "Too many open files": "打开的文件太多",
    "Not Found": "没有这个地址",
    "Method Not Allowed": "这个地址不接受这种请求方法",
    "There was an error parsing the body": "请求内容读不出来",
    "Not authenticated": "请先登录",
}
"""What the operating system and the web framework say by themselves: no source of ours holds these."""
