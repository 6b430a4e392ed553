"""What the command line says, in the language of the terminal: Chinese when LC_ALL, LC_MESSAGES or LANG say zh."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from caretaker.sentences import in_chinese

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
    "phones_secure": ("手机页：{url}", "phones: {url}"),
    "phones_install": (
        "新手机先用 http 打开 {url} 装根证书",
        "a new phone first opens {url} to install the root certificate",
    ),
    "phones_plain": (
        "手机页：{url}（http：网页里不能用相机，不能离线，打卡没有签名）",
        "phones: {url} (plain http: no camera in the page, no offline use, unsigned scans)",
    ),
    "phones_until": ("https 证书还剩 {days} 天，请尽快更新", "the https certificate has {days} days left: renew it"),
    "phones_how": (
        "手机要用相机和离线：运行 bin/caretaker tls init，再重新启动",
        "for camera and offline use on phones: run bin/caretaker tls init, then start again",
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
    # ---- caretaker tls …
    "tls_made": ("证书已签发，{day} 到期（剩 {days} 天）", "certificate made, valid until {day} ({days} days)"),
    "tls_used": ("使用 {cert}，{day} 到期（剩 {days} 天）", "using {cert}, valid until {day} ({days} days)"),
    "tls_until": ("证书 {day} 到期（剩 {days} 天）", "the certificate is valid until {day} ({days} days)"),
    "tls_hosts": ("可用的名字和地址：{hosts}", "good for: {hosts}"),
    "tls_fingerprint": (
        "根证书指纹 SHA-256：{fingerprint}",
        "SHA-256 of the root certificate: {fingerprint}",
    ),
    "tls_next": (
        "重新启动 bin/caretaker up；新手机打开 http://地址:8080/ca 装根证书",
        "start bin/caretaker up again; a new phone opens http://ADDRESS:8080/ca to install the root certificate",
    ),
    "tls_none": (
        "还没有证书：先运行 bin/caretaker tls init",
        "there is no certificate yet: run bin/caretaker tls init first",
    ),
    "tls_own": (
        "现在用的是自己的证书，由它的签发者更新；换好文件后自动生效",
        "this is a certificate of your own: its issuer renews it, and new files are taken up by themselves",
    ),
    "tls_no_match": ("{key} 不是 {cert} 的私钥", "{key} is not the key of {cert}"),
    "tls_expired": ("{cert} 已于 {day} 过期", "{cert} expired on {day}"),
    "tls_not_yet": ("{cert} 到 {day} 才生效", "{cert} is not valid before {day}"),
    "tls_no_hosts": (
        "{cert} 没有写主机名（subjectAltName），浏览器不接受",
        "{cert} names no host (subjectAltName): browsers refuse it",
    ),
    "tls_locked": ("{key} 有密码保护；请换成不带密码的私钥", "{key} is locked by a passphrase; bring one without"),
    "tls_unreadable": (
        "{file}：{reason}；应为 PEM 文件",
        "{file}: {reason}; expected a PEM file",
    ),
    "tls_no_host": ("{host} 既不是主机名也不是地址", "{host} is neither a host name nor an address"),
    "tls_outside": (
        "现有根证书不能证明 {host}；加 --new-ca 重建（所有手机要重装根证书）",
        "the present root certificate does not vouch for {host}; --new-ca makes another (all phones install it again)",
    ),
    "tls_cannot_write": ("{file} 无法写入", "{file} cannot be written"),
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


def told(sentence: str) -> str:
    """An English sentence of the house, as the terminal reads."""
    return in_chinese(sentence) if chinese() else sentence
