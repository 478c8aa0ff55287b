"""Broken statements, each way in each format: refused by line, and never half read."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import pytest

from console.billing.statements.files import MEGABYTE, Upload, read_files
from console.billing.statements.readers import UnreadableStatement, read
from console.core.errors import Invalid
from tests.billing.statements.test_readers import NO_BALANCES, a_statement, plain, refusal, written
from tests.billing.statements.writers import WRITERS

XML = ("office_banking", "camt053")
LARGEST = 32  # MB, of a file that is read unless a setting says otherwise
MOST_MEMORY = 16  # times the file


@pytest.mark.parametrize("key", WRITERS)
def test_cut_at_any_line(key: str) -> None:
    """Whatever is left of a file is refused, or all of its lines were there. Without balances nothing tells a cut."""
    text = written(key)
    whole = [plain(one, balances=key not in NO_BALANCES) for one in read(text.encode()).statements]
    rows = text.splitlines(keepends=True)
    refused = 0
    for left in range(len(rows)):
        try:
            found = read("".join(rows[:left]).encode()).statements
        except UnreadableStatement:
            refused += 1
            continue
        if key in NO_BALANCES:
            assert [line.row for one in found for line in one.lines] == list(range(2, left + 1))
        else:
            assert [plain(one, balances=True) for one in found] == whole, f"half read when cut after line {left}"
    assert refused >= (1 if key in NO_BALANCES else len(rows) - 4)


@pytest.mark.parametrize("key", WRITERS)
def test_cut_in_the_middle_of_a_letter(key: str) -> None:
    content = written(key).encode()
    assert refusal(content[: content.index("Č".encode()) + 1])


@pytest.mark.parametrize("key", WRITERS)
def test_encodings_that_are_not_ours(key: str) -> None:
    """What no known encoding explains is refused with its line; nothing is read as other letters."""
    text = written(key).replace("Čačak", "Ђорђе").replace("č", "c")
    row, _, rest = refusal(text.encode("cp1251")).partition(": ")
    assert int(row) == next(place for place, line in enumerate(text.splitlines(), 1) if "Ђ" in line)
    assert "UTF-8" in rest
    damaged = written(key).encode()
    place = damaged.rindex("č".encode())
    message = refusal(damaged[:place] + b"\xff" + damaged[place + 2 :])
    assert int(message.partition(": ")[0]) == damaged[:place].count(b"\n") + 1


@pytest.mark.parametrize("key", sorted(set(WRITERS) - NO_BALANCES))
def test_any_line_twice_or_missing(key: str) -> None:
    case = a_statement(250_050, -1_000, 99_00)
    for place in range(3):
        doubled = [*case.lines[: place + 1], *case.lines[place:]]
        missing = [*case.lines[:place], *case.lines[place + 1 :]]
        for lines in (doubled, missing):
            numbered = tuple(replace(line, position=number) for number, line in enumerate(lines, 1))
            assert "add up" in refusal(WRITERS[key](replace(case, lines=numbered)).encode())


@pytest.mark.parametrize("key", XML)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1250"])
def test_entities_are_never_expanded(key: str, encoding: str) -> None:
    """A billion laughs, wherever a document type may stand."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = written(key).replace("UTF-8", encoding).replace("utf-8", encoding)
    text = text.replace("cp1250", "windows-1250").replace("Uplata", "&l9;", 1)
    head, mark, body = text.partition("?>") if text.startswith("<?") else ("", "", text)
    root = body.lstrip()[1:].split(">")[0].split()[0]
    for before in ("", "<!-- izvod -->", "<?izvod?>" + " " * 1_000):
        bomb = f'{head}{mark}{before}<!DOCTYPE {root} [<!ENTITY l0 "ha">{laughs}]>{body}'
        begun = time.monotonic()
        assert "DOCTYPE" in refusal(bomb.encode(encoding))
        assert time.monotonic() - begun < 0.5


def test_two_hundred_megabytes() -> None:
    """Refused by its size, before anything in it is looked at."""
    with pytest.raises(Invalid) as caught:
        read_files([Upload("izvod.csv", bytes(200 * MEGABYTE))], megabytes=LARGEST)
    assert [str(message) for message in caught.value.fields["statement"]] == ["The file is larger than 32 MB."]


def _read_large(key: str, line: Connection) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    small = WRITERS[key](a_statement(1))
    each = (len(WRITERS[key](a_statement(*range(1, 201))).encode()) - len(small.encode())) / 199
    case = a_statement(*range(1, int(LARGEST * MEGABYTE / each)))
    content = WRITERS[key](case).encode()
    count = len(case.lines)
    del case
    path = f"/proc/{multiprocessing.current_process().pid}/clear_refs"
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("5")  # the peak begins again
    before = peak()
    (found,) = read(content).statements
    assert len(found.lines) == count
    line.send((len(content) // MEGABYTE, count, peak() - before))


@pytest.mark.full
@pytest.mark.long
@pytest.mark.parametrize("key", WRITERS)
def test_memory_of_the_largest_file(key: str, proof: Callable[[str], None]) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_read_large, args=(key, theirs))
    process.start()
    theirs.close()
    size, count, grown = ours.recv()
    process.join()
    assert grown < MOST_MEMORY * LARGEST
    proof(f"{key}: a file of {size} MB, {count:,} lines, is read in {grown} MB beside itself")
