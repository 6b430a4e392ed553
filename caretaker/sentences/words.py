"""Words of the house that stand inside sentences: kind of slot -> word -> Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {
        "guard": "保安",
        "technician": "维修",
        "supervisor": "主管",
        "manager": "经理",
        "admin": "管理员",
        "device": "设备",
    },
    "right": {
        "watch": "查看",
        "acknowledge": "确认告警",
        "work": "处理工单",
        "dispatch": "派单",
        "close": "关单",
        "patrol": "巡检",
        "plan": "编排巡检",
        "decide": "裁定打卡",
        "audit": "查看审计记录",
        "report": "出报表",
        "administer": "管理人员和设置",
        "send": "上报读数",
    },
    "order state": {
        "open": "待派",
        "assigned": "已派",
        "in_progress": "处理中",
        "on_hold": "挂起",
        "completed": "待核实",
        "closed": "已关单",
        "cancelled": "已取消",
    },
    "order action": {
        "assign": "派单",
        "start": "开始处理",
        "hold": "挂起",
        "resume": "恢复处理",
        "complete": "报完工",
        "reopen": "退回重修",
        "close": "关单",
        "cancel": "取消",
    },
    "incident state": {"reported": "待接", "handling": "处置中", "closed": "已结束"},
    "incident action": {"take": "接手", "close": "结束"},
    "round state": {
        "scheduled": "未开始",
        "in_progress": "进行中",
        "finished": "已完成",
        "incomplete": "未走完",
        "missed": "漏巡",
        "cancelled": "已取消",
    },
}
