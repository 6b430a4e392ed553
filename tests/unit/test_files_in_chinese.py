"""Whatever is wrong in the files of a site or in a setting, the command line says it in Chinese to whoever reads Chinese."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from caretaker.catalog import read_kinds, read_site
from caretaker.cli import main
from caretaker.domain.errors import ConfigurationError
from caretaker.sentences import in_chinese
from tooling.steps import ROOT

DEMO = Path(ROOT) / "sites" / "demo"
WRONG = {
    "assets.yaml": [("kind: pump", "kind: pomp"), ("space: b1", "space: b9"), ("  - id: lift-1", "  - idd: lift-1")],
    "spaces.yaml": [("type: building", "type: [building]")],
    "devices.yaml": [("protocol: modbus", "protocol: modbuss")],
}
ENGLISH = re.compile(r"\b(found|expected|unknown|missing|required|given|text|mean)\b")


@pytest.mark.parametrize(("file", "old", "new"), [(file, *change) for file, all_ in WRONG.items() for change in all_])
def test_a_wrong_site_is_told_in_chinese(tmp_path: Path, file: str, old: str, new: str) -> None:
    shutil.copytree(DEMO, tmp_path / "site")
    path = tmp_path / "site" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")

    with pytest.raises(ConfigurationError) as refused:
        read_site(tmp_path / "site", read_kinds(Path(ROOT) / "equipment"))

    for line in in_chinese(refused.value.message).splitlines():
        assert line.startswith(str(path.parent)), "the place stays"
        assert re.search(r"[\u4e00-\u9fff]", line), line
        assert not ENGLISH.search(line.removeprefix(str(path))), line


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh_CN.UTF-8", "caretaker: 设置有误：CARETAKER_CALL_MOST=many：应为整数；应为：一起事件最多呼叫多少次\n"),
        ("en_GB.UTF-8", "caretaker: wrong setting: CARETAKER_CALL_MOST=many: Input should be a valid integer"),
    ],
)
def test_the_command_line_speaks_the_language_of_its_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setenv("CARETAKER_CALL_MOST", "many")
    monkeypatch.setattr("sys.argv", ["caretaker", "health", "rules"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(said)
