"""What the command line says, in the language of the terminal: Chinese when LC_ALL, LC_MESSAGES or LANG say zh."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "wrong_setting": ("设置有误：", "wrong setting: "),
    "step": ("[{n}/{of}] {what}", "[{n}/{of}] {what}"),
    "step_site": ("读取设备类型与站点，更新数据库", "reading equipment and site, updating the database"),
    "step_broker": ("启动内置 MQTT 服务 {address}", "starting the embedded MQTT broker on {address}"),
    "step_simulators": (
        "启动模拟小区（电梯、水泵、照明、门禁）",
        "starting the simulated estate (lifts, pumps, lights, gates)",
    ),
    "step_parts": ("启动采集、存储、规则与网页", "starting collectors, store, rules and page"),
    "ready": ("ready {url}", "ready {url}"),
    "sign_in": (
        "登录（一次有效，15 分钟内打开）：{link}",
        "sign in (works once, within 15 minutes): {link}",
    ),
    "devices": ("设备接入：MQTT {mqtt}；数据目录 {data}", "devices connect to MQTT {mqtt}; data in {data}"),
    "stop_hint": ("按 Ctrl-C 停止", "Ctrl-C stops it"),
    "port_busy": (
        "{what} 的端口 {address} 已被占用，改用 {other}",
        "{what}: port {address} is taken, using {other} instead",
    ),
    "stopping": ("正在停止：写完已接收的读数……", "stopping: writing what was accepted ..."),
    "stopped": ("已停止，数据完整", "stopped, nothing lost"),
}


def chinese() -> bool:
    """Does the terminal speak Chinese?"""
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(key, "")
        if value:
            return value.lower().startswith("zh")
    return False


def say(key: str, **facts: object) -> str:
    """The sentence."""
    zh, en = _WORDS[key]
    return (zh if chinese() else en).format(**facts)
