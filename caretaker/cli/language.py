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
    "cannot_listen": (
        "{option} {address}：无法监听（{reason}）；请用 {option} HOST:PORT 换一个地址",
        "{option} {address}: cannot listen there ({reason}); give another address with {option} HOST:PORT",
    ),
    "no_address": (
        "{option} {address}：应为 HOST:PORT，例如 {usual}",
        "{option} {address}: expected HOST:PORT, such as {usual}",
    ),
    "cannot_write": (
        "数据目录 {folder} 无法写入（{reason}）；请用 --data DIR 换一个目录",
        "the data folder {folder} cannot be written ({reason}); give another with --data DIR",
    ),
    "no_scenario": ("--scenario {file}：没有这个文件", "--scenario {file}: there is no such file"),
    "no_simulators": (
        "模拟小区没有启动（原因见上一行）；加 --no-demo 可不用模拟小区",
        "the simulated estate did not start (its own message is above); --no-demo goes without",
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
