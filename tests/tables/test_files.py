"""Tables from files: formats, headers, names, numbers of rows, and what is refused."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pytest
from conftest import need
from text_files import KINDS, ROWS, X, Y, inputs_of, table, write

from regnet.tables.columns import FileError
from regnet.tables.files import read_table


def test_lines_are_the_files_own(tmp_path):
    """Blank lines and cells of several lines count; rows were counted, and a blank line was a row of 0 cells."""
    (tmp_path / "t.csv").write_text('a,kind\n1,"two\nlines"\n\n2,no\n\nx,no\n')
    with pytest.raises(FileError, match="'x' in line 7"):
        read_table(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text('a,kind\n1,"two\nlines"\n\n2\n')
    with pytest.raises(FileError, match="line 5 has 1 cells"):
        read_table(str(tmp_path / "t.csv"))


def test_a_header_of_numbers_is_no_row(tmp_path):
    """As frames without names write it: it was a row, the first one."""
    for first in (0, 1):
        names = [str(first + k) for k in range(3)]
        path = write(tmp_path / "t.csv", dict(zip(names, table().values(), strict=True)))
        found = read_table(path)
        assert (found.x.shape, found.feature_names) == ((ROWS, 2), tuple(names[:2]))
        assert "is taken for a header" in found.notes[0]
        assert len(inputs_of(path, ("0", "1") if first == 0 else ("1", "2"))[0]) == ROWS
    frame = {"": range(ROWS), "0": X[:, 0], "1": X[:, 1], "kind": KINDS}  # with the frame's index, and a name
    assert read_table(write(tmp_path / "t.csv", frame)).feature_names == ("0", "1")
    assert read_table(write(tmp_path / "t.csv", {"0": X[:, 0], "1": Y})).x.shape == (ROWS, 1)


@pytest.mark.parametrize("first", ["0,1", "5.1,3.5,setosa", "5,3,yes", "5,NA,3"])
def test_a_first_line_that_may_be_a_row_is_refused(first, tmp_path):
    """All but the first were taken for headers, and the row was lost."""
    (tmp_path / "t.csv").write_text("\n".join([first, *["7,2,1" if "NA" in first else "4,2,no"[: len(first)]] * 9]))
    with pytest.raises(FileError, match="put a line of names above it"):
        read_table(str(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("name", "numbers"), [("rownames", range(1, ROWS + 1)), ("", range(ROWS)), ("id", range(ROWS))]
)
def test_the_numbers_of_rows_are_no_input_unless_asked_for(name, numbers, tmp_path):
    """They were: the species of a sorted file are chosen by its row numbers alone."""
    path = write(tmp_path / "t.csv", {name: list(numbers), **table()})
    found = read_table(path)
    assert found.feature_names == ("a", "b")
    fact = f"it numbers the rows ({numbers[0]} to {numbers[-1]})" if name else "it is an index without a name"
    assert found.notes == (f"{path}: column {name!r} is left out: {fact} (--keep-row-numbers keeps it).",)
    kept = read_table(path, keep_row_numbers=True)
    assert (kept.feature_names, kept.notes) == ((name, "a", "b"), ())
    assert kept.x[:, 0].tolist() == list(numbers)


def test_what_numbers_rows_and_what_does_not(tmp_path):
    names = [f"row {k}" for k in range(ROWS)]
    found = read_table(write(tmp_path / "t.csv", {"": names, **table()}))
    assert "column '' is left out: it is an index without a name" in found.notes[0]
    shuffled = np.random.default_rng(0).permutation(ROWS).tolist()
    assert read_table(write(tmp_path / "t.csv", {"Unnamed: 0": shuffled, **table()})).feature_names == ("a", "b")
    assert len(read_table(write(tmp_path / "t.csv", {"rank": shuffled, **table()})).feature_names) == 3
    alone = read_table(write(tmp_path / "t.csv", {"time": range(ROWS), "y": Y}))
    assert (alone.feature_names, alone.notes) == (("time",), ())
    with pytest.raises(FileError, match="the last column, 'id', numbers the rows: name the target"):
        read_table(write(tmp_path / "t.csv", table(id=range(ROWS))))
    np.save(tmp_path / "t.npy", np.column_stack([np.arange(ROWS), X, Y]))
    assert read_table(str(tmp_path / "t.npy")).feature_names == ("column1", "column2")


def test_predictions_find_columns_by_name(tmp_path):
    """A file with other names was taken by position: predictions from the wrong columns, and no word of it."""
    path = write(tmp_path / "t.csv", {"b": X[:, 1], "extra": KINDS, "a": X[:, 0]})
    np.testing.assert_array_equal(inputs_of(path, ("a", "b"))[0], X)
    path = write(tmp_path / "other.csv", {"p": X[:, 0], "q": X[:, 1]})
    for names in (("a", "b"), ("column0", "column1")):
        with pytest.raises(FileError, match=rf"\(p, q\).*missing: {', '.join(names)}\. .*by name: rename"):
            inputs_of(path, names)
    bare = write(tmp_path / "bare.csv", {"p": X[:, 0], "q": X[:, 1]}, header=False)
    np.save(tmp_path / "bare.npy", X)
    for path in (bare, str(tmp_path / "bare.npy")):
        np.testing.assert_array_equal(inputs_of(path, ("a", "b"))[0], X)
        np.testing.assert_array_equal(inputs_of(path, ("column1",))[0], X[:, 1:])
        with pytest.raises(FileError, match="missing: a, b, c"):
            inputs_of(path, ("a", "b", "c"))


LABELS = {
    "bytes": np.asarray([b"no", "jä".encode()]),
    "str": np.asarray(["no", "yes"]),
    "bool": np.asarray([False, True]),
    "large": np.asarray([2**60, 2**60 + 1]),
    "unsigned": np.asarray([2**63, 2**63 + 1], dtype=np.uint64),
    "float": np.asarray([1.0, 2.0]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_a_typed_file(kind, tmp_path):
    y = LABELS[kind][(X[:, 0] > 0).astype(int)]
    np.savez(tmp_path / "t.npz", x=X, y=y)
    found = read_table(str(tmp_path / "t.npz"))
    expected = [label.decode() for label in y.tolist()] if kind == "bytes" else y.tolist()
    assert (found.task, found.y.tolist()) == ("classification", expected)
    parquet, pyarrow = need("pyarrow.parquet"), need("pyarrow")
    parquet.write_table(pyarrow.table({"a": X[:, 0], "y": pyarrow.array(y)}), tmp_path / "t.parquet")
    assert read_table(str(tmp_path / "t.parquet")).y.tolist() == expected


def test_what_other_columns_of_a_parquet_file_mean(tmp_path):
    parquet, pyarrow = need("pyarrow.parquet"), need("pyarrow")

    def read(**columns):
        parquet.write_table(pyarrow.table({"a": X[:, 0], **columns, "y": Y}), tmp_path / "t.parquet")
        return read_table(str(tmp_path / "t.parquet"))

    prices = [decimal.Decimal(k) / 4 for k in range(ROWS)]
    assert read(price=prices).x[:, 1].tolist() == [float(price) for price in prices]
    with pytest.raises(FileError, match=r"'n' \(1 of 60 cells, 'nan' in row 1 the first\)"):
        read(n=pyarrow.array([None, *range(ROWS - 1)]))
    assert read(s=KINDS).feature_names == ("a", "s=no", "s=yes")
    assert "'s' is left out: it has 60 different values in 60" in read(s=[f"row {k}" for k in range(ROWS)]).notes[0]
    days = [datetime.date(2026, 1, 1 + k % 28) for k in range(ROWS)]
    for dates in (days, np.asarray(days, dtype="datetime64[s]")):
        assert read(d=dates).x[:3, 1].tolist() == [20454, 20455, 20456]
    np.savez(tmp_path / "t.npz", x=X * 1j, y=Y)
    with pytest.raises(FileError, match="column 'column0' holds complex numbers"):
        read_table(str(tmp_path / "t.npz"))
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray([b"\xff"] * ROWS))
    with pytest.raises(FileError, match="column 'y' holds bytes that are no UTF-8 text"):
        read_table(str(tmp_path / "t.npz"))
    assert "column 'e' is left out: it has no values" in read(e=pyarrow.nulls(ROWS)).notes[0]
    nested = pyarrow.array([{"p": 1, "q": [1.0]}] * ROWS)
    with pytest.raises(FileError, match="column 'n' holds values of type dict: make numbers or text of them"):
        read(n=nested)
    twice = pyarrow.Table.from_arrays([pyarrow.array(X[:, 0]), pyarrow.array(X[:, 1]), pyarrow.array(Y)], list("aay"))
    parquet.write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(FileError, match=r"two columns have the same name \('a'\): rename one"):
        read_table(str(tmp_path / "t.parquet"))


@pytest.mark.parametrize("unit", ["date", "s", "us", "ns"])
@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_dates_of_a_typed_file_are_those_of_a_file_of_text(kind, unit, tmp_path):
    """With holes they were values of type datetime64, and refused; as categories they had the time 00:00:00."""
    pyarrow, days = need("pyarrow"), [datetime.date(2026, 1, 1 + k % 5) for k in range(ROWS)]
    days[4:7] = [None] * 3
    held = pyarrow.date32() if unit == "date" else pyarrow.timestamp(unit)
    arrow = pyarrow.table({"a": X[:, 0], "d": pyarrow.array(days).cast(held), "y": Y})
    if kind == "parquet":
        need("pyarrow.parquet").write_table(arrow, tmp_path / f"t.{kind}")
    else:
        need("pyarrow.feather").write_feather(arrow, tmp_path / f"t.{kind}")
    text = write(tmp_path / "t.csv", {"a": X[:, 0], "d": [day or "" for day in days], "y": Y})
    for asked in ({}, {"factors": ("d",)}):
        found, expected = (read_table(path, missing="impute", **asked) for path in (str(tmp_path / f"t.{kind}"), text))
        assert found.columns == expected.columns
        np.testing.assert_array_equal(found.x, expected.x)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_is_no_pattern(kind, tmp_path):
    """[1] is a 1 to a pattern: another file was read, and no word of it."""
    for number, name in enumerate(("data1", "data[1]", "a*b", "axb", "it's")):
        path, columns = tmp_path / f"{name}.{kind}", {"a": X[:, 0] + number, "y": Y}
        if kind == "csv":
            write(path, columns)
        else:
            need("pyarrow.parquet").write_table(need("pyarrow").table(columns), path)
    for number, name in enumerate(("data1", "data[1]", "a*b", "axb", "it's")):
        found = read_table(str(tmp_path / f"{name}.{kind}"))
        np.testing.assert_allclose(found.x[:, 0], X[:, 0] + number, atol=1e-12)


def test_the_index_of_a_frame_is_no_target(tmp_path):
    """It is the last column of a Parquet file, and was what networks learnt: the numbers of shuffled rows."""
    pandas, name = need("pandas"), str(tmp_path / "t.parquet")
    need("pyarrow")
    frame = pandas.DataFrame(table())
    frame.sample(frac=1.0, random_state=0).to_parquet(name)
    found = read_table(name)
    assert (found.target_name, found.feature_names) == ("y", ("a", "b"))
    assert "column '__index_level_0__' is left out: it is an index without a name" in found.notes[0]
    frame.set_index("a").to_parquet(name)
    found = read_table(name)
    assert (found.target_name, found.feature_names) == ("y", ("a", "b"))
    assert found.x.tolist() == X.tolist()
    nameless = write(tmp_path / "t.csv", {"a": X[:, 0].tolist(), "y": Y.tolist(), "Unnamed: 0": Y[::-1].tolist()})
    with pytest.raises(FileError, match="the last column, 'Unnamed: 0', is an index without a name: name the target"):
        read_table(nameless)


@pytest.mark.parametrize("name", ["t.npz", "t.npy", "t.parquet", "t.feather"])
@pytest.mark.parametrize("kept", [0, 90])
def test_a_file_that_was_cut_off_is_named(name, kept, tmp_path):
    """It ended in a traceback, or in 'Aborted.' and exit status 1."""
    path = tmp_path / name
    if name in ("t.npz", "t.npy"):
        np.savez(path, x=X, y=Y) if name == "t.npz" else np.save(path, X)
    else:
        pyarrow = need("pyarrow")
        frame = pyarrow.table({"a": X[:, 0], "y": Y})
        if name == "t.parquet":
            need("pyarrow.parquet").write_table(frame, path)
        else:
            need("pyarrow.feather").write_feather(frame, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileError, match=f"{name} cannot be read: "):
        read_table(str(path))


def test_every_kind_of_file_gives_the_same_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    from pyarrow import feather, parquet

    x, y = np.random.default_rng(0).standard_normal((40, 2)), np.arange(40) % 3
    np.save(tmp_path / "t.npy", np.column_stack([x, y]))
    np.savez(tmp_path / "t.npz", x=x, y=y)
    parquet.write_table(pyarrow.table({"u": x[:, 0], "v": x[:, 1], "y": y}), tmp_path / "t.parquet")
    lines = [f"{a!r};{b!r};{c}" for (a, b), c in zip(x.tolist(), y, strict=True)]
    (tmp_path / "t.csv").write_text("u;v;y\n" + "\n".join(lines) + "\n")
    feather.write_feather(pyarrow.table({"u": x[:, 0], "v": x[:, 1], "y": y}), tmp_path / "t.feather")
    for kind in ("npy", "npz", "parquet", "feather", "csv"):
        table = read_table(str(tmp_path / f"t.{kind}"))
        np.testing.assert_array_equal(table.x, x)
        np.testing.assert_array_equal(table.y, y)
        assert table.task == "classification"
    assert read_table(str(tmp_path / "t.csv"), "u").task == "regression"
    np.testing.assert_array_equal(inputs_of(str(tmp_path / "t.csv"), ("v",))[0], x[:, 1:])
    (tmp_path / "bare.csv").write_text("1,2,0\n3,4,1\n")
    assert read_table(str(tmp_path / "bare.csv")).x.tolist() == [[1, 2], [3, 4]]
    (tmp_path / "t.doc").write_text("x")
    with pytest.raises(FileError, match="of no kind"):
        read_table(str(tmp_path / "t.doc"))
