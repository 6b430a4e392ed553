"""The words of an inspection report, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.schemas.common import Words
from caretaker.domain.equipment import Priority
from caretaker.domain.rounds.scans import TokenType
from caretaker.domain.work_orders import OrderState

ORDERS: Final[Mapping[OrderState, Words]] = {
    OrderState.OPEN: Words(zh="待派", en="Open"),
    OrderState.ASSIGNED: Words(zh="已派", en="Assigned"),
    OrderState.IN_PROGRESS: Words(zh="处理中", en="In progress"),
    OrderState.ON_HOLD: Words(zh="挂起", en="On hold"),
    OrderState.COMPLETED: Words(zh="待核实", en="To verify"),
    OrderState.CLOSED: Words(zh="已关单", en="Closed"),
    OrderState.CANCELLED: Words(zh="已取消", en="Cancelled"),
}
PRIORITIES: Final[Mapping[Priority, Words]] = {
    Priority.CRITICAL: Words(zh="紧急", en="Critical"),
    Priority.HIGH: Words(zh="重要", en="High"),
    Priority.MEDIUM: Words(zh="一般", en="Medium"),
    Priority.LOW: Words(zh="提示", en="Low"),
}
TOKENS: Final[Mapping[TokenType, Words]] = {
    TokenType.PRINTED: Words(zh="二维码", en="QR code"),
    TokenType.ROTATING: Words(zh="动态码", en="Rotating code"),
    TokenType.NFC: Words(zh="NFC 标签", en="NFC tag"),
    TokenType.MANUAL: Words(zh="手工短码", en="Code by hand"),
}
SAID: Final[Mapping[str, Words]] = {
    "title": Words(zh="巡检报告", en="Inspection report"),
    "period": Words(zh="{first} 至 {last}", en="{first} to {last}"),
    "plan": Words(zh="计划", en="Plan"),
    "team": Words(zh="班组", en="Team"),
    "all_plans": Words(zh="全部计划", en="All plans"),
    "all_teams": Words(zh="全部班组", en="All teams"),
    "made": Words(zh="{at} 由 {who} 生成", en="Made {at} by {who}"),
    "page": Words(zh="第 {page} 页，共 {pages} 页", en="Page {page} of {pages}"),
    "proof": Words(
        zh="本报告存档，SHA-256 写入审计链；存档文件被改动可以查出。",
        en="This report is archived and its SHA-256 written into the audit trail, so that a changed copy is found out.",
    ),
    # figures
    "summary": Words(zh="汇总", en="Summary"),
    "rounds": Words(zh="巡检轮次", en="Rounds"),
    "finished": Words(
        zh="走完 {n}，未走完 {part}，漏巡 {missed}", en="{n} finished, {part} incomplete, {missed} missed"
    ),
    "visits": Words(zh="到点", en="Points visited"),
    "of_due": Words(zh="应到 {due}，到点率 {share}", en="{due} due, {share} visited"),
    "punctual": Words(zh="准时率", en="On time"),
    "times": Words(
        zh="早到 {early}，迟到 {late}，顺序不对 {order}", en="{early} early, {late} late, {order} out of order"
    ),
    "missed": Words(zh="漏巡点次", en="Points missed"),
    "partly": Words(zh="另有 {n} 次没有填完", en="{n} more only partly answered"),
    "findings": Words(zh="发现问题", en="Findings"),
    "with_photos": Words(zh="照片 {n} 张", en="{n} photos"),
    "repairs": Words(zh="维修工单", en="Repairs"),
    "repaired": Words(zh="已修好 {done}，超时 {late}", en="{done} repaired, {late} overdue"),
    "repair_time": Words(zh="维修用时（中位数）", en="Time to repair (median)"),
    "opened_to_done": Words(zh="从建单到报完工", en="From order to done"),
    "marked": Words(zh="存疑打卡", en="Doubtful scans"),
    "decided": Words(zh="待判定 {open}，判为无效 {rejected}", en="{open} undecided, {rejected} rejected"),
    "score": Words(zh="评分", en="Score"),
    "score_of": Words(zh="有评分的轮次平均，满分 100", en="Mean of the scored rounds, out of 100"),
    "manual": Words(zh="手工短码", en="Codes by hand"),
    "of_scans": Words(zh="共 {n} 次扫码", en="of {n} scans"),
    "by_plan": Words(zh="按计划", en="By plan"),
    "all_done": Words(zh="走完", en="Finished"),
    "due_points": Words(zh="应到点次", en="Due points"),
    # sections
    "missed_list": Words(zh="漏巡的点", en="Points missed"),
    "rounds_list": Words(zh="逐轮记录", en="Round by round"),
    "visits_list": Words(zh="逐点记录", en="Visits"),
    "no_rounds": Words(zh="这段时间没有巡检。", en="No round was due in these days."),
    "no_findings": Words(zh="没有发现问题。", en="Nothing was found wrong."),
    "no_repairs": Words(zh="没有由巡检产生的工单。", en="No order came out of these rounds."),
    "no_missed": Words(zh="没有漏巡。", en="No point was missed."),
    "no_marked": Words(zh="没有存疑的扫码。", en="No scan was marked."),
    "photo_gone": Words(zh="照片未上传", en="Photo not sent yet"),
    "more_photos": Words(zh="另有 {n} 张照片", en="{n} more photos"),
    "limits": Words(zh="允许 {low} 至 {high}", en="allowed {low} to {high}"),
    "found_by": Words(zh="{at}，{who}", en="{at}, {who}"),
    # columns
    "number": Words(zh="序", en="No."),
    "point": Words(zh="巡检点", en="Point"),
    "place": Words(zh="位置", en="Place"),
    "was_due": Words(zh="应到 {first} – {last}", en="due {first} – {last}"),
    "window": Words(zh="应到时间", en="Due"),
    "opened_from": Words(zh="应到起", en="Due from"),
    "until": Words(zh="应到止", en="Due until"),
    "scanned": Words(zh="实到", en="Scanned"),
    "person": Words(zh="人员", en="Person"),
    "result": Words(zh="结果", en="Result"),
    "note": Words(zh="备注", en="Remarks"),
    "round": Words(zh="轮次", en="Round"),
    "starts": Words(zh="开始", en="Start"),
    "ends": Words(zh="结束", en="End"),
    "state": Words(zh="状态", en="State"),
    "done": Words(zh="已到点次", en="Visited"),
    "total": Words(zh="应到点数", en="Points"),
    "reason": Words(zh="原因", en="Reason"),
    "order": Words(zh="工单号", en="Order"),
    "what": Words(zh="问题", en="What"),
    "check": Words(zh="检查项", en="Check"),
    "value": Words(zh="测得值", en="Value"),
    "unit": Words(zh="单位", en="Unit"),
    "low": Words(zh="下限", en="Lower limit"),
    "high": Words(zh="上限", en="Upper limit"),
    "priority": Words(zh="优先级", en="Priority"),
    "photos": Words(zh="照片数", en="Photos"),
    "opened": Words(zh="建单", en="Opened"),
    "begun": Words(zh="开工", en="Started"),
    "completed": Words(zh="完工", en="Done"),
    "closed": Words(zh="关单", en="Closed"),
    "due_at": Words(zh="限时", en="Due by"),
    "assignee": Words(zh="处理人", en="Assignee"),
    "told": Words(zh="完工说明", en="What was done"),
    "doubts": Words(zh="疑点", en="Why it was marked"),
    "confidence": Words(zh="可信度", en="Confidence"),
    "decision": Words(zh="判定", en="Decision"),
    "accepted": Words(zh="有效", en="Accepted"),
    "rejected": Words(zh="无效", en="Rejected"),
    "undecided": Words(zh="待判定", en="Undecided"),
    "by": Words(zh="{what}，{who}", en="{what} by {who}"),
    "at": Words(zh="时间", en="Time"),
    "how": Words(zh="方式", en="How"),
    "figure": Words(zh="指标", en="Figure"),
    "is_partly": Words(zh="没有填完", en="partly answered"),
    "ended_early": Words(zh="提前结束：{reason}", en="Ended early: {reason}"),
    # signatures
    "signed_guard": Words(zh="巡检班组", en="Walked by"),
    "signed_check": Words(zh="审核（主管）", en="Checked by (supervisor)"),
    "signed_manager": Words(zh="项目经理", en="Site manager"),
    "date": Words(zh="日期", en="Date"),
}
