"""What is said about rounds, in both languages. Keys are `Reason`, `VisitState` and `RoundState`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.schemas.common import Words
from caretaker.domain.rounds.rounds import RoundState, VisitState
from caretaker.domain.rounds.scans import Reason

REASONS: Final[Mapping[Reason, Words]] = {
    Reason.FORGED: Words(zh="二维码不是本系统签发的", en="This code was not made by this system"),
    Reason.WITHDRAWN_CODE: Words(
        zh="这张标签已作废（补打过新标签）", en="This label was withdrawn; a newer one exists"
    ),
    Reason.EXPIRED_KEY: Words(zh="标签的密钥已过宽限期", en="The key of this label is past its grace date"),
    Reason.STALE_ROTATING_CODE: Words(zh="动态码已过期", en="The rotating code is out of date"),
    Reason.OTHER_SITE: Words(zh="这是别的项目的标签", en="This label belongs to another site"),
    Reason.NOT_ON_ROUND: Words(zh="该点不在这次巡检里", en="This point is not on the round"),
    Reason.NOT_YOUR_ROUND: Words(zh="这次巡检由别人在走", en="Somebody else walks this round"),
    Reason.EARLY: Words(zh="比规定时间早", en="Earlier than its window"),
    Reason.LATE: Words(zh="比规定时间晚", en="Later than its window"),
    Reason.OUT_OF_ORDER: Words(zh="没有按规定顺序", en="Not in the given order"),
    Reason.TOO_FAST: Words(zh="从上一点走到这里不可能这么快", en="Nobody walks here from the last point this fast"),
    Reason.BATCH: Words(zh="几秒内连扫多个点", en="Several points within seconds"),
    Reason.DUPLICATE: Words(zh="该点这次已经扫过", en="This point was already scanned on this round"),
    Reason.REPLAY: Words(zh="重复使用旧的扫码记录", en="An old scan sent again"),
    Reason.TWO_PHONES: Words(
        zh="同一张码几乎同时被两部手机扫", en="The same code on two phones at almost the same time"
    ),
    Reason.SHARED_SIGN_IN: Words(zh="同一账号在两处同时使用", en="One sign-in used in two places at once"),
    Reason.CLOCK_TAMPERED: Words(zh="手机时钟被改动过", en="The phone's clock was moved"),
    Reason.BAD_SIGNATURE: Words(zh="手机签名不对", en="The phone's signature is wrong"),
    Reason.BROKEN_CHAIN: Words(zh="扫码记录的先后链断了", en="The chain of this phone's scans is broken"),
    Reason.COUNTER_GAP: Words(zh="这部手机的扫码记录有缺号", en="Scans of this phone are missing"),
    Reason.FAR_AWAY: Words(zh="手机定位离该点太远", en="The phone was far from the point"),
    Reason.POSITION_SPOOFED: Words(zh="手机定位像是伪造的", en="The phone's position looks made up"),
    Reason.OLD_PHOTO: Words(zh="照片不是当时拍的", en="The photo was not taken then"),
    Reason.UNSIGNED: Words(
        zh="手机没有签名（未登记或未用 https）", en="Not signed by a phone (not enrolled, or plain http)"
    ),
    Reason.SKIPPED_CHECKS: Words(zh="有必查项没有填", en="Required checks are not answered"),
    Reason.MANUAL_CODE: Words(zh="手工输入短码", en="The short code was typed by hand"),
    Reason.CONTRADICTED: Words(zh="门、闸、灯或电梯的记录与此不符", en="Doors, gates, lights or lifts say otherwise"),
}
VISITS: Final[Mapping[VisitState, Words]] = {
    VisitState.DUE: Words(zh="待巡", en="Due"),
    VisitState.ON_TIME: Words(zh="准时", en="On time"),
    VisitState.EARLY: Words(zh="早到", en="Early"),
    VisitState.LATE: Words(zh="迟到", en="Late"),
    VisitState.OUT_OF_ORDER: Words(zh="顺序不对", en="Out of order"),
    VisitState.MISSED: Words(zh="漏巡", en="Missed"),
}
ROUNDS: Final[Mapping[RoundState, Words]] = {
    RoundState.SCHEDULED: Words(zh="未开始", en="Scheduled"),
    RoundState.IN_PROGRESS: Words(zh="进行中", en="In progress"),
    RoundState.FINISHED: Words(zh="已完成", en="Finished"),
    RoundState.INCOMPLETE: Words(zh="未走完", en="Incomplete"),
    RoundState.MISSED: Words(zh="漏巡", en="Missed"),
    RoundState.CANCELLED: Words(zh="已取消", en="Called off"),
}


def catalogue() -> dict[str, dict[str, Words]]:
    """Everything, for a phone that will be without a network."""
    return {
        "reasons": {str(key): text for key, text in REASONS.items()},
        "visits": {str(key): text for key, text in VISITS.items()},
        "rounds": {str(key): text for key, text in ROUNDS.items()},
    }
