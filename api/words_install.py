"""What the certificate page says to a phone, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.words import Language

WORDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "title": {"zh": "让手机信任本楼的看护服务器", "en": "Let this phone trust the building's Caretaker server"},
    "other": {"zh": "English", "en": "中文"},
    "why": {
        "zh": "巡检手机页要用相机、没信号时保存记录、给打卡签名；浏览器只在安全连接（https）下允许这些。"
        "本楼的服务器自己签发证书，所以每部手机要装一次它的根证书。",
        "en": "The phone page needs the camera, records that survive without signal, and signed scans; browsers allow "
        "these only over a secure connection (https). The building's server issues its own certificate, so each phone "
        "installs its root certificate once.",
    },
    "limits": {
        "zh": "这张根证书只能证明局域网地址和本服务器的名字，不能冒充别的网站；不再使用时可在系统设置里删除。",
        "en": "This root certificate can vouch for addresses of private networks and this server's names only, never for "
        "other web sites. Remove it in the system settings when it is no longer used.",
    },
    "wechat": {
        "zh": "现在是在微信里打开的，微信不能装证书：点右上角 ··· ，选“在浏览器打开”。",
        "en": "This was opened inside WeChat, which cannot install certificates: tap ··· at the top right and choose "
        "“Open in browser”.",
    },
    "step1": {"zh": "1 核对并下载", "en": "1 Compare and download"},
    "compare": {
        "zh": "先和主管屏幕“手机”页上的指纹（SHA-256）对一下，一样才装：",
        "en": "First compare the fingerprint (SHA-256) with the one on your supervisor's “Phones” page; install only "
        "when they are the same:",
    },
    "download": {"zh": "下载根证书", "en": "Download the root certificate"},
    "step2": {"zh": "2 安装", "en": "2 Install"},
    "android": {"zh": "安卓", "en": "Android"},
    "android_how": {
        "zh": "打开“设置”，搜索“CA 证书”（多在 安全 → 加密与凭据 → 安装证书）|选“CA 证书”，看到提醒后点“仍然安装”"
        "|选刚下载的 caretaker-ca.crt|没有锁屏密码的手机会先要求设置一个",
        "en": "Open Settings and search for “CA certificate” (mostly Security → Encryption & credentials → Install a "
        "certificate)|Choose “CA certificate” and, after the warning, “Install anyway”|Pick caretaker-ca.crt among the "
        "downloads|A phone without a screen lock asks you to set one first",
    },
    "harmony": {"zh": "鸿蒙（华为）", "en": "HarmonyOS (Huawei)"},
    "harmony_how": {
        "zh": "打开“设置”，搜索“证书”，进入“从存储设备安装”或“证书与凭据”|选“CA 证书”，再选刚下载的 caretaker-ca.crt"
        "|输入锁屏密码，完成后回到本页",
        "en": "Open Settings, search for “certificate” and choose “Install from storage” or “Certificates and "
        "credentials”|Choose “CA certificate” and pick caretaker-ca.crt among the downloads|Enter the screen lock, then "
        "come back to this page",
    },
    "iphone": {"zh": "iPhone、iPad", "en": "iPhone, iPad"},
    "iphone_how": {
        "zh": "用 Safari 打开本页并点“下载根证书”，允许下载描述文件|设置 → 通用 → VPN 与设备管理 → 选 Caretaker CA → 安装"
        "|设置 → 通用 → 关于本机 → 证书信任设置 → 打开 Caretaker CA 的开关（这一步不能少）",
        "en": "Open this page in Safari, tap “Download the root certificate” and allow the profile|Settings → General → "
        "VPN & Device Management → Caretaker CA → Install|Settings → General → About → Certificate Trust Settings → "
        "switch on Caretaker CA (this step is needed)",
    },
    "computer": {"zh": "电脑", "en": "Computer"},
    "computer_how": {
        "zh": "Windows：双击文件 → 安装证书 → 本地计算机 → “受信任的根证书颁发机构”"
        "|macOS：钥匙串访问 → 系统 → 拖入文件 → 信任 → 始终信任|Firefox：设置 → 证书 → 导入",
        "en": "Windows: double-click the file → Install certificate → Local machine → “Trusted Root Certification "
        "Authorities”|macOS: Keychain Access → System → drop the file → Trust → Always trust|Firefox: Settings → "
        "Certificates → Import",
    },
    "step3": {"zh": "3 打开巡检手机页", "en": "3 Open the phone page"},
    "waiting": {
        "zh": "还没有生效：装好后回到这里，会自动变绿。",
        "en": "Not in force yet: this turns green by itself.",
    },
    "ready": {"zh": "已生效，这部手机信任本服务器。", "en": "In force: this phone trusts the server."},
    "open": {"zh": "打开手机页", "en": "Open the phone page"},
    "qr": {"zh": "手机页的二维码", "en": "QR code of the phone page"},
    "then": {
        "zh": "再扫主管屏幕上的登记码，就能开始巡检。",
        "en": "Then scan the enrolment code on your supervisor's screen.",
    },
    "none_off": {
        "zh": "这台服务器还没有开 https。管理员运行 caretaker tls init 并重新启动后，这里会给出根证书。",
        "en": "This server has no https yet. After an administrator has run caretaker tls init and restarted it, the root "
        "certificate is offered here.",
    },
    "none_own": {
        "zh": "这台服务器用的是手机已经信任的证书，什么都不用装。",
        "en": "This server shows a certificate that phones trust already: there is nothing to install.",
    },
}
