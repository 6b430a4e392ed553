"""What the API says to people, in both languages. Keys are `CaretakerError.code` and the API's own refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["zh", "en"]

TITLES: Final[Mapping[str, Mapping[Language, str]]] = {
    "error": {"zh": "未能完成", "en": "This could not be done"},
    "configuration": {"zh": "配置有误", "en": "The configuration is wrong"},
    "unavailable": {"zh": "暂时不可用，请稍后再试", "en": "Not available now; try again in a moment"},
    "journal_unavailable": {"zh": "读数日志暂时不可写", "en": "The journal cannot be written now"},
    "journal_full": {"zh": "读数日志已满，暂停接收", "en": "The journal is full; nothing more is accepted"},
    "store_unavailable": {"zh": "时序库暂时不可用，稍后自动恢复", "en": "The reading store is away; it is retried"},
    "database_unavailable": {"zh": "数据库暂时不可用，请稍后再试", "en": "The database is away; try again shortly"},
    "device_unavailable": {"zh": "设备没有应答", "en": "The device does not answer"},
    "not_found": {"zh": "没有找到", "en": "Not found"},
    "conflict": {"zh": "当前状态不允许这样做", "en": "Its present state forbids this"},
    "sensor_still_bad": {
        "zh": "传感器仍显示故障，不能关单；若传感器有误，请主管说明理由后放行",
        "en": "The sensor still says broken, so the order stays open; a supervisor may override with a reason",
    },
    "sensor_silent": {
        "zh": "传感器没有数据，无法证明已修好；若已现场确认，请主管说明理由后放行",
        "en": "The sensor is silent and cannot prove the repair; a supervisor may override with a reason",
    },
    "own_call": {"zh": "自己的求助要由别人来接", "en": "Somebody else must answer your own call for help"},
    "taken": {"zh": "已经有人在处理", "en": "Somebody is on it already"},
    "handover_changed": {
        "zh": "刚才的情况有变化，交接单已更新，请看过再签",
        "en": "Something has changed since; the sheet is renewed, look at it before you sign",
    },
    "refused": {"zh": "填写有误", "en": "Something in the request is wrong"},
    "bad_reading": {"zh": "读数不被接受", "en": "The reading is not accepted"},
    "not_allowed": {"zh": "没有这项权限", "en": "You do not have this right"},
    "sign_in": {"zh": "请先登录", "en": "Please sign in first"},
    "sign_in_code": {
        "zh": "登录码无效、已使用或已过期（15 分钟）；请运行 bin/caretaker link create 取新的登录链接",
        "en": "This code is unknown, used or older than 15 minutes; run bin/caretaker link create for a new link",
    },
    "sign_in_password": {"zh": "姓名或密码不对", "en": "The name and the password do not belong together"},
    "sign_in_pin": {"zh": "PIN 不对", "en": "The PIN is wrong"},
    "phone_unknown": {
        "zh": "这部手机没有登记或已停用，请主管重新生成登记码",
        "en": "This phone is not enrolled or was withdrawn; ask a supervisor for a new code",
    },
    "cross_site": {"zh": "请求来自别的网站，已拒绝", "en": "The request came from another site and was refused"},
    "content_type": {"zh": "请以 application/json 发送", "en": "Send application/json"},
    "method": {"zh": "这个地址不接受这种请求方法", "en": "This address does not take this method"},
    "needs_https": {
        "zh": "从网络登录须用 https，请改用 https 地址",
        "en": "From the network this needs https; use the https address",
    },
    "encoding": {"zh": "请不要压缩请求内容", "en": "Send the body uncompressed"},
    "too_large": {"zh": "请求太大（上限 1 MB）", "en": "The request is too large (limit 1 MB)"},
    "too_many": {"zh": "尝试太频繁，请稍后再试", "en": "Too many tries; wait a moment"},
    "too_many_reports": {
        "zh": "这里的报修太频繁，请稍等再发；有人受困或有危险，请直接打电话",
        "en": "Too many reports just now; wait a moment. If somebody is in danger, phone at once",
    },
    "sticker_unknown": {
        "zh": "这个二维码不是本小区贴的，或已损坏",
        "en": "This code was not made by this property, or it is damaged",
    },
    "display_unknown": {
        "zh": "这个显示屏链接认不出来，或不完整",
        "en": "This display link is not known here, or it is incomplete",
    },
    "display_withdrawn": {"zh": "这个显示屏链接已作废", "en": "This display link was withdrawn"},
    "display_off": {"zh": "这个巡检点没有开动态码", "en": "The rotating code of this checkpoint is switched off"},
    "no_gateway": {
        "zh": "本进程不接收读数，请发往网关进程",
        "en": "This process accepts no readings; send them to the gateway process",
    },
    "report_changed": {
        "zh": "存档的报告文件在生成之后被改动过，不能作为凭据；请从备份恢复",
        "en": "The archived file was changed after it was made and proves nothing; restore it from a backup",
    },
    "internal": {
        "zh": "程序出错，已记录；请把事件号告诉管理员",
        "en": "An error of ours; it was logged. Tell the administrator the incident id",
    },
}
MISSING: Final[Mapping[Language, str]] = {"zh": "字段 {field}：{problem}", "en": "field {field}: {problem}"}


def title(code: str, language: Language) -> str:
    """The sentence for a code; unknown codes say the general one."""
    return TITLES.get(code, TITLES["error"])[language]


def language_of(header: str | None) -> Language:
    """zh unless the browser clearly prefers English."""
    for part in (header or "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "zh"
