"""Alarms, work orders, reports from stickers, incidents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- alarms
    "there is no alarm {alarm}": "没有告警 {alarm}",
    "{alarm} was already acknowledged by {person}": "{alarm} 已由 {person} 确认",
    "{alarm} is not a latched, active alarm": "{alarm} 不是需要复位的告警",
    # ---- work orders
    "there is no work order {order}": "没有工单 {order}",
    "a work order that is {state:order state} cannot {action:order action}": "工单现在是“{state}”，不能{action}",
    "{order} is no longer {state:order state}: somebody else was faster": (
        "{order} 已不是“{state}”，别人先处理了，请看最新状态"
    ),
    "the order of {asset} ({fault}) changed under our hands; try again": "{asset}（{fault}）的工单刚被改过，请再试一次",
    "to assign, say to whom": "派单请选人",
    "to {action:order action}, give a reason": "{action}请写明原因",
    "{order} cannot be closed: {n:number} alarm(s) behind it are not proven repaired": (
        "{order} 不能关单：还有 {n} 条告警不能证明已修好"
    ),
    "to close against the sensor, give the reason": "传感器未恢复时放行关单，请写明理由",
    "a comment needs text": "请填写备注内容",
    # ---- reports from a sticker
    "there is no work request {request}": "没有报修 {request}",
    "no such report was sent from this sticker": "这个二维码没有收到过这条报修",
    "this key was used for another report; take a new one": "这个编号已用于另一条报修，请换一个",
    "say what is wrong": "请写明哪里不对",
    "{fault} cannot be reported here": "这里不能报 {fault} 这种故障",
    "the report was taken back meanwhile; send it again": "报修刚被撤回，请重新提交",
    "the report announced no such photo": "这条报修没有登记这张照片",
    "to refuse a report, give the reason; the reporter reads it": "退回报修请写明原因，报修人会看到",
    "{order} is {state:order state}: there is nothing left to refuse": "{order} 现在是“{state}”，没有可退回的报修",
    "this report was refused already": "这条报修已经退回",
    # ---- incidents
    "there is no incident {incident}": "没有事件 {incident}",
    "an incident that is {state:incident state} cannot {action:incident action}": "事件现在是“{state}”，不能{action}",
    "this incident is closed": "事件已经结束",
    "this id belongs to another incident": "这个编号属于另一条事件",
    "a call for help is answered by somebody else": "自己的求助要由别人来接",
    "{person} is on it already": "{person} 已经在处理",
    "a measure needs text": "请填写处置内容",
    "to close, say how it ended": "结束事件请写明结果",
    "somebody else was faster; look again": "别人先处理了，请看最新状态",
}
