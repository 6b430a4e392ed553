"""Reports over days of rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    "there is no report {report}": "没有报表 {report}",
    "there is no file of the report {report}": "报表 {report} 的文件不在了",
    "a report is named by 64 hex digits": "报表的名字应为 64 位十六进制数",
    "a report is about 1 to {most:number} days, first day first": "报表可含 1 到 {most} 天，先写开始日期",
    "these days have more than {most:number} {what:sentence}; choose fewer days, or one plan": (
        "这些天的{what}超过 {most} 条，请减少天数，或只选一个计划"
    ),
    "findings": "问题记录",
    "scans": "打卡记录",
    "rounds": "巡检",
    "another report is being made; try again in a moment": "正在生成另一份报表，请稍等再试",
    "the audit trail does not know the report {report}": "审计记录里没有报表 {report}，不能证明它的真伪",
    "the report cannot be written: {why:sentence}": "报表无法写入：{why}",
    "this process keeps no reports": "本进程不保存报表",
}
