"""What is wrong with one field of a request, in both languages. Keys are pydantic's kinds of error, slots its `ctx`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.words import Language
from caretaker.sentences import in_chinese

Both = Mapping[Language, str]
_AT_LEAST_ONE: Final[Both] = {"zh": "不能为空", "en": "must not be empty"}

PROBLEMS: Final[Mapping[str, Both]] = {
    "missing": {"zh": "必填", "en": "is needed"},
    "extra_forbidden": {"zh": "没有这个字段，请去掉", "en": "is not known here; leave it out"},
    "json_invalid": {"zh": "不是正确的 JSON（{error}）", "en": "is not valid JSON ({error})"},
    "value_error": {"zh": "{error}", "en": "{error}"},
    "none_required": {"zh": "应为空（null）", "en": "must be null"},
    # ---- text
    "string_type": {"zh": "应为文字", "en": "must be a text"},
    "string_sub_type": {"zh": "应为文字", "en": "must be a text"},
    "string_unicode": {"zh": "不是正确的 Unicode 文字", "en": "must be valid Unicode"},
    "string_too_short": {"zh": "至少 {min_length} 个字符", "en": "must have at least {min_length} characters"},
    "string_too_long": {"zh": "最多 {max_length} 个字符", "en": "may have at most {max_length} characters"},
    "string_pattern_mismatch": {"zh": "格式不对，应符合 {pattern}", "en": "has the wrong form; expected {pattern}"},
    # ---- one of several
    "enum": {"zh": "应为 {expected} 之一", "en": "must be one of {expected}"},
    "literal_error": {"zh": "应为 {expected} 之一", "en": "must be one of {expected}"},
    # ---- numbers
    "int_type": {"zh": "应为整数", "en": "must be a whole number"},
    "int_parsing": {"zh": "应为整数", "en": "must be a whole number"},
    "int_parsing_size": {"zh": "数太大", "en": "is too large a number"},
    "int_from_float": {"zh": "应为整数，不带小数", "en": "must be a whole number without a fraction"},
    "float_type": {"zh": "应为数字", "en": "must be a number"},
    "float_parsing": {"zh": "应为数字", "en": "must be a number"},
    "finite_number": {"zh": "应为有限的数", "en": "must be a finite number"},
    "greater_than": {"zh": "应大于 {gt}", "en": "must be greater than {gt}"},
    "greater_than_equal": {"zh": "应不小于 {ge}", "en": "must be at least {ge}"},
    "less_than": {"zh": "应小于 {lt}", "en": "must be less than {lt}"},
    "less_than_equal": {"zh": "应不大于 {le}", "en": "must be at most {le}"},
    "bool_type": {"zh": "应为 true 或 false", "en": "must be true or false"},
    "bool_parsing": {"zh": "应为 true 或 false", "en": "must be true or false"},
    # ---- lists and objects
    "list_type": {"zh": "应为列表", "en": "must be a list"},
    "tuple_type": {"zh": "应为列表", "en": "must be a list"},
    "dict_type": {"zh": "应为 JSON 对象", "en": "must be a JSON object"},
    "model_type": {"zh": "应为 JSON 对象", "en": "must be a JSON object"},
    "model_attributes_type": {"zh": "应为 JSON 对象", "en": "must be a JSON object"},
    "too_short": {"zh": "至少 {min_length} 项", "en": "must have at least {min_length} items"},
    "too_long": {"zh": "最多 {max_length} 项", "en": "may have at most {max_length} items"},
}


def field_problem(error: Mapping[str, Any], language: Language) -> str:
    """One error of pydantic's `errors()` as a phrase that follows the field's name; an unknown kind keeps its own words."""
    kind, facts = str(error["type"]), dict(error.get("ctx", {}))
    if kind in ("string_too_short", "too_short") and facts.get("min_length") == 1:
        return _AT_LEAST_ONE[language]
    if kind not in PROBLEMS:
        return str(error["msg"])
    if language == "zh":
        facts = {key: _in_chinese(key, str(value)) for key, value in facts.items()}
    return PROBLEMS[kind][language].format_map(facts)


def _in_chinese(key: str, value: str) -> str:
    return value.replace(" or ", "、").replace(", ", "、") if key == "expected" else in_chinese(value)
