"""A value of 50 MB is refused with its line, whatever the type, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGE = "x" * 50_000_000
FEEDS = {
    "xml": ("<c>\n<p><sku>1</sku>\n<n>", "</n></p></c>"),
    "json": ('[\n{"sku": "1",\n"n": "', '"}]'),
    "csv": ('sku,name\nA1,x\nA2,"', '"\n'),
}
READ = """
import re, sys
from pathlib import Path
from imports.readers import Source, UnreadableFeed, inspect, read
def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before = most()
for attempt in ("inspect", "again"):
    try:
        list(read(sys.argv[1], inspect(sys.argv[1], type=sys.argv[2]).source))
    except UnreadableFeed as error:
        print(error, end=" | ")
print(most() - before)
"""


@pytest.mark.parametrize("type", FEEDS)
def test_a_value_of_50_megabytes_is_refused(tmp_path: Path, type: str) -> None:
    before, after = FEEDS[type]
    file = tmp_path / "feed"
    file.write_text(before + LARGE + after)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file), type],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second, megabytes = done.stdout.split(" | ")
    assert "line 3" in first
    assert first == second
    assert int(megabytes) < 60
