"""The file as such: columns, delimiters, encodings, and what is no CSV at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.imports.reader import MAX_LINE, FileError, Row, Source, file_digest

KNOWN = ("external_id", "name", "city")


def read(path: Path, content: bytes | str) -> list[Row]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Source(path, known=KNOWN, required={"external_id": "", "name": ""}) as source:
        return list(source.rows())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_comma_and_semicolon_with_and_without_mark(path: Path, mark: bytes, delimiter: str, end: str) -> None:
    text = end.join([delimiter.join(KNOWN), delimiter.join(["A", "Đorđe", "Niš"]), ""])
    (row,) = read(path, mark + text.encode())
    assert row.number == 2
    assert row.values == {"external_id": "A", "name": "Đorđe", "city": "Niš"}


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;;;"])
def test_the_line_that_names_the_delimiter_is_no_row(path: Path, first: str) -> None:
    """Excel writes it and does not count it; commas in the header would else win."""
    (row,) = read(path, f"{first}\r\nexternal_id;name;city\r\nA;Pekara, Žito;Niš\r\n")
    assert (row.number, row.values["name"], row.values["city"]) == (2, "Pekara, Žito", "Niš")
    with pytest.raises(FileError, match="empty"):
        read(path, f"{first}\n")


def test_empty_columns_at_the_end_are_nothing(path: Path) -> None:
    rows = read(path, "external_id;name;;\nA;Ana;;\nB;Boro\nC;Cveta; ; \nD;Dara;;x\n")
    assert [row.flaw for row in rows] == [None, None, None, "the row has 4 cells, the header has 2"]
    with pytest.raises(FileError, match=r"unknown column: \(no name\)"):
        read(path, "external_id;;name\nA;;Ana\n")


def test_the_other_delimiter_may_stand_in_a_cell(path: Path) -> None:
    (row,) = read(path, "external_id;name\nA;Pekara, Žito\n")
    assert row.values["name"] == "Pekara, Žito"


def test_a_quoted_cell_may_hold_line_ends_and_rows_are_counted_as_a_spreadsheet_does(path: Path) -> None:
    rows = read(path, 'external_id,name\nA,"two\nlines"\n\nB,x\n,\nC,"say ""hello"""\n')
    assert [(row.number, row.values["name"]) for row in rows] == [(2, "two\nlines"), (4, "x"), (6, 'say "hello"')]


def test_column_names_are_read_in_any_case_and_order(path: Path) -> None:
    (row,) = read(path, "Name , EXTERNAL_ID\nx,A\n")
    assert row.values == {"name": "x", "external_id": "A"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        ("name,city\n", "missing column: external_id"),
        ("city\n", "missing column: external_id, name"),
        ("external_id,name,colour\n", "unknown column: colour"),
        ("external_id,,name\n", r"unknown column: \(no name\)"),
        ("external_id,name,Name\n", "column named twice: name"),
        ("external_id\tname\n", "unknown column"),
        ("external_id,name\nA,Đorđe\n".encode("cp1250"), r"line 2 is not UTF-8 \(byte 3\).*CSV UTF-8"),
        ("external_id,name\nA,x\n".encode("utf-16"), "line 1 is not UTF-8"),
        ('external_id,name\nA,"never closed\nB,x\n', "row 2: the quotes"),
        ('external_id,name\nA,"x"y\n', "row 2: the quotes"),
        ("external_id,name\rA,x\r", "row 1: the quotes or line ends"),
        ("external_id,name\nA,x\nB," + "x" * 200_000 + "\n", "row 3: a cell is longer than 131,072 characters"),
        ("external_id,name\nA," + "x" * 10_000_000 + "\n", f"line 2 is longer than {MAX_LINE:,} bytes"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read(path, content)


def test_a_row_of_another_width_is_that_rows_own_flaw(path: Path) -> None:
    good, short, long = read(path, "external_id,name\nA,x\nB\nC,x,y\n")
    assert good.flaw is None
    assert short.flaw == "the row has 1 cells, the header has 2"
    assert long.flaw == "the row has 3 cells, the header has 2"


def test_what_was_made_harmless_is_read_as_it_was_meant(path: Path) -> None:
    rows = read(path, "external_id,name,refused_row,refused_reason\n'+381,'=x,7,city: no\n'tis,''x,,\n")
    assert [row.values for row in rows] == [
        {"external_id": "+381", "name": "=x"},
        {"external_id": "'tis", "name": "''x"},
    ]


def test_the_digest_of_what_was_read_is_the_files(path: Path) -> None:
    path.write_text("external_id,name\nA,x\n")
    with Source(path, known=KNOWN, required={}) as source:
        assert source.digest() != file_digest(path)
        list(source.rows())
        assert source.digest() == file_digest(path)
