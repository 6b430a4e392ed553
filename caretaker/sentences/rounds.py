"""Checkpoints, plans, rounds, scans, photos and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- checkpoints
    "there is no checkpoint {checkpoint}": "没有巡检点 {checkpoint}",
    "there is already a checkpoint {checkpoint}": "已经有巡检点 {checkpoint}，请换一个编号",
    "there is no space {space}": "没有位置 {space}",
    "there is no asset {asset}": "没有设备 {asset}",
    "there is no point {point}; expected asset.point": "没有测点 {point}，应写成 设备.测点",
    "check {check}: the lower limit is not below the upper": "检查项 {check}：下限应小于上限",
    "check {check}: a space has no point {point}": "检查项 {check}：位置没有测点 {point}",
    "check {check}: {asset} has no point {point}": "检查项 {check}：{asset} 没有测点 {point}",
    "check {check}: unit {unit}, but {point} is in {other}": (
        "检查项 {check}：单位是 {unit}，但测点 {point} 的单位是 {other}"
    ),
    "the tag {tag} belongs to another checkpoint": "标签 {tag} 已属于另一个巡检点",
    "the short code or tag of {checkpoint} belongs to another checkpoint": (
        "{checkpoint} 的短码或标签已属于另一个巡检点"
    ),
    "no free short code was found; try again": "没有找到空闲的短码，请再试一次",
    "this site has nearly used up its short codes": "这个项目的短码快用完了，请联系管理员",
    "this code was not signed by this house": "这个二维码不是本系统签发的",
    "this process holds no signing keys; labels come from the house that `caretaker up` starts": (
        "本进程没有签发密钥；标签由 `caretaker up` 启动的系统打印"
    ),
    "this process holds no signing keys; stickers are read by the house that `caretaker up` starts": (
        "本进程没有签发密钥；二维码由 `caretaker up` 启动的系统识别"
    ),
    "this process holds no signing keys; displays are served by the house that `caretaker up` starts": (
        "本进程没有签发密钥；显示屏的码由 `caretaker up` 启动的系统提供"
    ),
    "this display link was not made here, or a part of it is missing": "这个显示屏链接不是本系统生成的，或者不完整",
    "this display link was withdrawn; make a new one under Checkpoints": (
        "这个显示屏链接已作废，请主管在“巡检点”里重新生成"
    ),
    "{checkpoint} has no rotating code; switch it on first": "巡检点 {checkpoint} 没有开动态码，请先打开",
    # ---- plans
    "there is no round plan {plan}": "没有巡检计划 {plan}",
    "there is already a round plan {plan}": "已经有巡检计划 {plan}，请换一个编号",
    "{plan} was changed by somebody else meanwhile; look again": "{plan} 刚被别人改过，请看最新的内容再改",
    "a plan needs at least one checkpoint": "计划至少要有一个巡检点",
    "a plan is for a team or for one person, not both": "计划给一个班组或一个人，不能同时给",
    "duration: found {found:number} s; expected 60 s to {most:number} s": "时长是 {found} 秒，应在 60 到 {most} 秒之间",
    "tolerance: found {found:number} s; expected 0 to the duration": "容差是 {found} 秒，应在 0 到时长之间",
    "valid_until lies before valid_from": "失效日期早于生效日期",
    "starts_at is a local wall time to the minute": "开始时间是当地时间，精确到分钟",
    "{checkpoint} is no stop of this plan": "{checkpoint} 不在这个计划里",
    "{check}: found {points:number} points; expected 0 to 1000": "{check}：分值是 {points}，应在 0 到 1000 之间",
    "{point}: the window {opens:number} … {closes:number} s does not lie inside 0 … {most:number} s": (
        "{point}：时间窗 {opens} 到 {closes} 秒，应落在 0 到 {most} 秒之内"
    ),
    "{point}: a time below 0": "{point}：时间不能小于 0",
    "expected from ≤ to, at most {most:number} days": "起始日期不能晚于结束日期，最多 {most} 天",
    "{day}: expected a year from 2000 to 2200": "{day}：年份应在 2000 到 2200 之间",
    "{day} is no day: {why}": "{day} 不是日期，应写成 年-月-日，如 2026-03-01",
    # ---- when a plan recurs
    "the recurrence {rule} is not usable: {why:sentence}": "重复规则 {rule} 用不了：{why}",
    "{piece} is not NAME=VALUE with one of {names}, each once": (
        "{piece} 应写成 名称=值，名称只能是 {names}，各出现一次"
    ),
    "expected FREQ={frequencies} (several times a day: BYHOUR=20,22,0)": (
        "应有 FREQ={frequencies} 之一（一天多次：BYHOUR=20,22,0）"
    ),
    "INTERVAL must be at least 1": "INTERVAL 至少是 1",
    "UNTIL is a local time here: expected yyyymmdd or yyyymmddThhmmss without Z": (
        "UNTIL 是当地时间，应写成 yyyymmdd 或 yyyymmddThhmmss，不带 Z"
    ),
    "more than {most:number} rounds in a day": "一天超过 {most} 轮",
    "expected one rule": "只能有一条规则",
    "it never happens": "它永远不会发生",
    "FREQ=DAILY with INTERVAL and BYDAY may never meet; expected FREQ=WEEKLY": (
        "FREQ=DAILY 同时有 INTERVAL 和 BYDAY 可能永远碰不上，应改用 FREQ=WEEKLY"
    ),
    "BYSETPOS needs FREQ=MONTHLY or YEARLY": "BYSETPOS 只能配 FREQ=MONTHLY 或 YEARLY",
    "no month of BYMONTH has a day of BYMONTHDAY": "BYMONTH 的月份里没有 BYMONTHDAY 的那一天",
    # ---- rounds
    "there is no round {round}": "没有巡检 {round}",
    "the round {round} is {state:round state}": "巡检 {round} {state}，不能这样做",
    "{round} is being walked by somebody else": "{round} 正由别人在走",
    "{round} is meant for somebody else": "{round} 是安排给别人的",
    "{left:number} stops are not done; to end the round early, give the reason": (
        "还有 {left} 个点没走；要提前结束，请写明原因"
    ),
    # ---- scans and photos
    "there is no scan {scan}": "没有打卡记录 {scan}",
    "the scan {scan} has no verdict": "打卡记录 {scan} 还没有判定",
    "the scan id {scan} belongs to somebody else": "打卡编号 {scan} 属于别人",
    "nobody decides on a scan of their own": "自己的打卡要由别人裁定",
    "{scan} was decided by {person}": "{scan} 已由 {person} 裁定",
    "to reject a scan, say why": "不认可打卡，请写明原因",
    "a photo may have {most:number} MB, this one has {found:number} bytes": (
        "照片最大 {most} MB，这张有 {found} 字节，请压缩后再传"
    ),
    "a photo may have {most:number} pixels": "照片最多 {most} 像素，请缩小后再传",
    "a photo is named by 64 hex digits": "照片的名字应为 64 位十六进制数",
    "these bytes are not the photo that the address names (SHA-256 differs)": (
        "内容与地址写明的照片不符（SHA-256 不同），请重新上传"
    ),
    "there is no photo {photo}": "没有照片 {photo}",
    "this is no picture we can read ({why})": "读不出这张图片，请传 JPEG、PNG 或 WebP（{why}）",
    "the photo cannot be written: {why:sentence}": "照片无法写入：{why}",
    "this process keeps no photos": "本进程不保存照片",
    # ---- handing over a shift
    "there is no handover {handover}": "没有交接班记录 {handover}",
    "no shift of this team runs now": "这个班组现在没有当班的班次",
    "{shift}: the shift goes on; it can be handed over from two hours before its end": (
        "{shift}：还在当班，下班前两小时起才能交接"
    ),
    "{shift}: the shift ended more than a day ago; its facts can no longer be told apart": (
        "{shift}：下班已超过一天，当班情况已分不清，不能再交接"
    ),
    "{person} is not of the team {team}": "{person} 不在班组 {team}",
    "nobody takes over from oneself; the incoming person signs with a session of their own": (
        "不能自己接自己的班，请接班人用自己的账号签字"
    ),
    "{handover} was already signed by {person}": "{handover} 已由 {person} 签字",
    "{handover} was already taken over by {person}": "{handover} 已由 {person} 接班",
    "{handover} was signed by somebody else at this moment": "{handover} 刚由别人签了字，请看最新内容",
    "{handover} was taken over by somebody else at this moment": "{handover} 刚由别人接了班，请看最新内容",
    "{handover} has no second signature": "{handover} 还没有接班签字",
    "{handover} is not handed over yet: the outgoing person signs first": "{handover} 还没有交班：请交班人先签字",
    "the facts have changed since this sheet was shown; look at it again": "交接内容在显示之后有变化，请重新看一遍",
    "this is not the sheet that was signed; load it again": "这不是签过字的那一份，请重新载入",
    "remarks: at most {most:number} characters": "备注最多 {most} 个字符",
}
