"""People, passwords, signing in, phones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    # ---- who may
    "{person} ({role:role}) lacks the right to {right:right}": "{person}（{role}）没有“{right}”的权限",
    "{actor} ({role:role}) may not change {person}": "{actor}（{role}）不能修改 {person}，请管理员来改",
    "{actor} ({role:role}) may not enrol phones for a {other:role}": (
        "{actor}（{role}）不能给{other}登记手机，请上一级来登记"
    ),
    "{actor} ({role:role}) may not withdraw a phone of a {other:role}": (
        "{actor}（{role}）不能停用{other}的手机，请上一级来停用"
    ),
    "{actor} ({role:role}) may not take incidents": "{actor}（{role}）不能接手事件，请主管来接",
    "{actor} ({role:role}) may not close incidents": "{actor}（{role}）不能结束事件，请主管来办",
    "{actor} ({role:role}) may not refuse a work request": "{actor}（{role}）不能退回报修，请主管来办",
    "{actor} ({role:role}) may not {action:order action} a work order": (
        "{actor}（{role}）不能对工单{action}，请有权限的同事来办"
    ),
    "there is nothing here for you": "这里没有对您开放的内容",
    # ---- people
    "there is no person {person}": "没有人员 {person}",
    "there is no team {team}": "没有班组 {team}",
    "there is no shift {shift}": "没有班次 {shift}",
    "a person needs a name": "请填写姓名",
    "machines get a token (`caretaker token create`), not a person": "机器用令牌（`caretaker token create`），不建人员",
    "a person cannot become a machine, nor a machine a person": "人员不能改成设备，设备也不能改成人员",
    "the id {person} belongs to somebody else; choose another": "登录名 {person} 已被别人使用，请换一个",
    "the id {id} is taken; choose another": "编号 {id} 已被占用，请换一个",
    "{person} is the last administrator; make another one first": "{person} 是最后一位管理员，请先指定另一位",
    "{person} is deactivated": "{person} 已停用",
    "{person} ({id}) is deactivated and cannot sign in": "{person}（{id}）已停用，不能登录",
    "weekdays are 0 (Monday) to 6 (Sunday)": "星期用 0（周一）到 6（周日）表示",
    # ---- passwords and PINs
    "a password needs at least {least:number} characters": "密码至少要 {least} 个字符",
    "a password may have at most {most:number} characters": "密码最多 {most} 个字符",
    "the password is the person's own name": "密码就是本人的姓名或登录名，请换一个",
    "the password repeats very few characters": "密码只是少数几个字符的重复，请换一个",
    "the password is only digits (a date, a phone number?)": "密码全是数字（日期或电话号码？），请加上别的字符",
    "the password repeats itself": "密码是同一段的重复，请换一个",
    "the password runs along the keyboard or the alphabet": "密码是键盘或字母表上的顺序，请换一个",
    "the password is a common word with digits or signs around it": "密码是常用词加数字或符号，太容易猜，请换一个",
    "a PIN is {digits:number} digits": "PIN 是 {digits} 位数字",
    "this PIN is easy to guess": "这个 PIN 太容易猜，请换一个",
    "give the present password as current_password": "请填写现在的密码（current_password）",
    "the present password is another one": "现在的密码不对",
    # ---- signing in
    "the name and the password do not belong together": "姓名或密码不对",
    "give either code, or token, or person and password, or phone and pin": (
        "请给出登录码、令牌、登录名和密码、手机和 PIN 这四种之一"
    ),
    "this sign-in code is unknown, used or older than 15 minutes; ask for a new one": (
        "这个登录码无效、已使用或已过期（15 分钟），请取一个新的"
    ),
    "this token is unknown or expired": "这个令牌无效或已过期",
    "too many wrong tries; wait a moment": "错误次数太多，请稍等再试",
    # ---- phones
    "there is no phone {phone}": "没有手机 {phone}",
    "this enrolment code is unknown, used or older than 15 minutes; ask a supervisor for a new one": (
        "这个登记码无效、已使用或已过期（15 分钟），请主管重新生成"
    ),
    "this phone is not enrolled; ask a supervisor for a code": "这部手机还没有登记，请主管生成登记码",
    "this phone was withdrawn and must be enrolled again": "这部手机已停用，要重新登记才能用",
    "{person} has no PIN yet; enrol the phone again and choose one": "{person} 还没有 PIN，请重新登记手机并设置 PIN",
    "the PIN is wrong; {left:number} tries left": "PIN 不对，还可以试 {left} 次",
    "the PIN is wrong; too often: enrol the phone again": "PIN 错误次数太多，请重新登记手机",
    "this is a private key: it must never leave the phone": "这是私钥，绝不能离开手机",
    "expected a JWK with kty EC and crv P-256": "公钥应为 JWK，kty 为 EC，crv 为 P-256",
    "x and y of the JWK must be 32 bytes each in base64url": "JWK 的 x 和 y 应各为 32 字节的 base64url",
}
