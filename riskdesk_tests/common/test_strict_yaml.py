"""YAML that means what it says: what is text, what is refused, and where each problem is said to stand."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.model import StrictModel


class Inner(StrictModel):
    model_config = ConfigDict(strict=True)

    size: float = Field(gt=0)
    kind: Literal["alpha", "beta"] = "alpha"


class Outer(StrictModel):
    model_config = ConfigDict(strict=True)

    title: str
    count: Annotated[int, Field(ge=1, le=9)] = 1
    on: bool = False
    day: date | None = None
    inner: Inner | None = None
    parts: dict[str, Inner] = Field(default_factory=dict)
    list_of: list[Inner] = Field(default_factory=list)
    mixed: int | Inner = 0
    tier: str = "Low"

    @field_validator("tier")
    @classmethod
    def _tier(cls, value: str) -> str:
        if value != "Low":
            raise PydanticCustomError("tier", "is no tier", {"allowed": "Low", "field": "deeper"})
        return value


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        strict_yaml.validate(strict_yaml.parse(text, "f.yaml"), Outer)
    return caught.value.problems


def problem_of(text: str) -> Problem:
    found = problems_of(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("word", ["ON", "NO", "yes", "no", "off", "Yes", "y", "n", "True", "TRUE", "False", "NULL", "Null"])
def test_a_word_that_yaml_1_1_reads_as_a_boolean_or_null_is_text(word: str) -> None:
    assert strict_yaml.parse(f"a: {word}\n{word}: b", "f").data == {"a": word, word: "b"}


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("800_000", 800_000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e5", 1e5),
        ("1.0e-6", 1e-6),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2027-12-31", date(2027, 12, 31)),
    ],
)
def test_a_plain_word_has_the_meaning_the_module_states(word: str, meaning: object) -> None:
    value = strict_yaml.parse(f"a: {word}", "f").data["a"]
    assert value == meaning
    assert type(value) is type(meaning)


@pytest.mark.parametrize(
    "word",
    ["010", "00", "0x1F", "0o17", "0b11", "1:20", "1__0", "_1", "1_", "9" * 33, "٣", "1٣", "=", "<<", "1,000", "20260101x"],
)
def test_a_number_two_readers_could_take_differently_is_text(word: str) -> None:
    assert strict_yaml.parse(f"a: {word}", "f").data == {"a": word}


@pytest.mark.parametrize(
    "word",
    [
        ".inf",
        "-.inf",
        ".nan",
        ".NaN",
        "nan",
        "inf",
        "1e400",
        "-1e400",
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
        "2026-01-01T00:00Z",
    ],
)
def test_what_is_no_finite_number_and_no_real_date_is_text(word: str) -> None:
    assert strict_yaml.parse(f"a: {word}", "f").data == {"a": word}


@pytest.mark.parametrize("quoted", ["'5'", '"5"', "'true'", "'null'", '"2027-12-31"', "''", "|\n  5", ">-\n  5"])
def test_what_stands_in_quotes_or_a_block_is_text(quoted: str) -> None:
    assert isinstance(strict_yaml.parse(f"a: {quoted}\n", "f").data["a"], str)


@pytest.mark.parametrize(
    ("text", "line", "field", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "is written twice (first on line 1)"),
        ("x:\n  a: 1\n  'a': 2\n", 3, "x.a", "is written twice (first on line 2)"),
        ("x: {a: 1, a: 2}\n", 1, "x.a", "is written twice"),
        ("a: &x 5\nb: *x\n", 1, "a", "sets the YAML anchor &x"),
        ("a: 1\nb: *nowhere\n", 2, "b", "uses the YAML alias *nowhere"),
        ("&x a: 1\n", 1, "", "has a key that is not a plain word"),
        ("&x {a: 1}\n", 1, "", "sets the YAML anchor &x"),
        ("a:\n- &x [1]\n", 2, "a.0", "sets the YAML anchor &x"),
        ("b: 1\n<<: {a: 1}\n", 2, "", "uses the YAML merge key <<"),
        ("b: {<<: {a: 1}}\n", 1, "b", "uses the YAML merge key <<"),
        ("a: !!str 5\n", 1, "a", "carries the YAML tag tag:yaml.org,2002:str"),
        ("a: !mine 5\n", 1, "a", "carries the YAML tag !mine"),
        ("a: ! 5\n", 1, "a", "carries the YAML tag !"),
        ("a: !!set {b}\n", 1, "a", "carries the YAML tag tag:yaml.org,2002:set"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "a", "carries the YAML tag"),
        ("? [a]\n: 1\n", 1, "", "has a key that is not a plain word"),
        ("? {a: 1}\n: 1\n", 1, "", "has a key that is not a plain word"),
        ("'': 1\n", 1, "", "has a key that is not a plain word"),
        ("!!str a: 1\n", 1, "", "has a key that is not a plain word"),
        ("a: 1\n---\nb: 2\n", 2, "", "holds more than one document"),
        ("---\na: 1\n---\n", 3, "", "holds more than one document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "", "has a YAML directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", 1, "", "has a YAML directive"),
        ("a: 1\nb: x\x07y\n", 2, "", "holds the control character U+0007"),
        ("a: 1\nb: \x00\n", 2, "", "holds the control character U+0000"),
        ('a: 1\nb: "\\x00"\n', 2, "b", "holds the control character U+0000"),
        ('a: "\\e[31m"\n', 1, "a", "holds the control character U+001B"),
        ('a: "\\uD800"\n', 1, "a", "holds the control character U+D800"),
        ('"\\x07": 1\n', 1, "", "holds the control character U+0007"),
        ('a: "\\UFFFFFFFF"\n', None, "", "is not valid YAML"),
        ("a: [1\nb: 2\n", 2, "", "is not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "", "is not valid YAML"),
        ("a: 1\nb\n", 3, "", "is not valid YAML"),
        ("a: b: c\n", 1, "", "is not valid YAML"),
    ],
)
def test_what_yaml_offers_beyond_plain_data_is_refused_with_its_line(
    text: str, line: int | None, field: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        strict_yaml.parse(text, "f.yaml")
    (problem,) = caught.value.problems
    assert says in problem.message
    assert (problem.file, problem.line, problem.field) == ("f.yaml", line, field)


def test_stars_and_ampersands_inside_text_are_no_aliases() -> None:
    data = strict_yaml.parse("a: 'x: *y'\nb: AT&T is up *today*\nc: |\n  k: &v *w\n# d: *z\n", "f").data
    assert data == {"a": "x: *y", "b": "AT&T is up *today*", "c": "k: &v *w\n"}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{? "])
def test_deep_nesting_is_refused_without_recursion_and_at_once(opening: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError, match=r"nested too deeply|not a plain word"):
        strict_yaml.parse(opening * (strict_yaml.MAX_BYTES // len(opening)), "f")
    assert time.perf_counter() - started < 5


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = strict_yaml.MAX_DEPTH
    assert strict_yaml.parse("[" * depth + "]" * depth, "f").data is not None
    with pytest.raises(InputError, match=r"nested too deeply"):
        strict_yaml.parse("[" * (depth + 2) + "]" * (depth + 2), "f")


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_an_empty_file_is_a_document_without_data(text: str) -> None:
    assert strict_yaml.parse(text, "f").data is None


def test_a_document_end_mark_is_accepted() -> None:
    assert strict_yaml.parse("---\na: 1\n...\n", "f").data == {"a": 1}


def test_each_value_knows_its_line_and_an_absent_one_its_nearest_enclosing() -> None:
    document = strict_yaml.parse("# head\na: 1\nb:\n  c: 2\n  d:\n  - x\n  - y\n", "f")
    assert document.line(("a",)) == 2
    assert document.line(("b", "c")) == 4
    assert document.line(("b", "d", 1)) == 7
    assert document.line(("b", "nowhere")) == 3
    assert document.line(("nowhere",)) == 2


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: |\r\n    x\r\n    y\r\n")
    document = strict_yaml.load(path)
    assert document.data == {"a": 1, "b": {"c": "x\ny\n"}}
    assert document.line(("b", "c")) == 3


@pytest.mark.parametrize("raw", [b"a: 1\nb: \xff\n", "a: 1\n".encode("utf-16"), b"a: 1\nb: \xc3", b"a: \xed\xa0\x80\n"])
def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(raw)
    with pytest.raises(InputError, match="is not UTF-8 text"):
        strict_yaml.load(path)


def test_sixty_four_kilobytes_are_read_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\n#" + b"x" * (strict_yaml.MAX_BYTES - 6))
    assert strict_yaml.load(path).data == {"a": 1}
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"is 65537 bytes long \(allowed: at most 65536 bytes\)"):
        strict_yaml.load(path)


def test_links_folders_pipes_and_absent_files_are_refused_by_name(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("a: 1\n")
    (tmp_path / "link.yaml").symlink_to(real)
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, says in [
        ("link.yaml", "is a symbolic link"),
        ("dangling.yaml", "is a symbolic link"),
        ("folder.yaml", "is not a regular file"),
        ("pipe.yaml", "is not a regular file"),
        ("absent.yaml", "does not exist"),
    ]:
        with pytest.raises(InputError, match=says) as caught:
            strict_yaml.load(tmp_path / name)
        assert caught.value.problems[0].file == str(tmp_path / name)


def test_a_wrong_value_is_told_with_file_line_field_and_what_is_allowed() -> None:
    assert str(problem_of("title: x\ncount: 12\n")) == "f.yaml:2: count: is 12 (allowed: at most 9)"
    assert str(problem_of("title: x\ncount: 1.5\n")) == "f.yaml:2: count: is 1.5 (allowed: a whole number)"
    assert str(problem_of("title: x\ncount: '5'\n")) == "f.yaml:2: count: is '5' (allowed: a whole number)"
    assert str(problem_of("title: x\ncount: true\n")) == "f.yaml:2: count: is True (allowed: a whole number)"
    assert str(problem_of("title: x\non: yes\n")) == "f.yaml:2: on: is 'yes' (allowed: true, false)"
    assert str(problem_of("title: x\nday: 2026-02-30\n")) == "f.yaml:2: day: is '2026-02-30' (allowed: a date, YYYY-MM-DD)"
    assert problem_of("title: 5\n").allowed.startswith("text")
    assert str(problem_of("count: 1\n")) == "f.yaml:1: title: is required and missing"


def test_an_infinite_or_absent_number_never_reaches_the_model() -> None:
    for word in (".inf", ".nan", "1e999", "nan"):
        found = problem_of(f"title: x\ninner:\n  size: {word}\n")
        assert (found.line, found.field, found.allowed) == (3, "inner.size", "a number")


def test_an_unknown_field_names_the_nearest_known_one_at_every_depth() -> None:
    assert "did you mean 'count'?" in problem_of("title: x\ncuont: 2\n").message
    nested = problem_of("title: x\nparts:\n  one:\n    size: 1\n    sise: 2\n")
    assert (nested.line, nested.field, nested.allowed) == (5, "parts.one.sise", "kind, size")
    assert "did you mean 'size'?" in nested.message
    listed = problem_of("title: x\nlist_of:\n- size: 1\n- size: 1\n  kidn: alpha\n")
    assert (listed.line, listed.field) == (5, "list_of.1.kidn")


def test_a_wrong_word_names_the_nearest_allowed_one() -> None:
    found = problem_of("title: x\ninner: {size: 1, kind: alfa}\n")
    assert str(found) == "f.yaml:2: inner.kind: is 'alfa'; did you mean 'alpha'? (allowed: alpha, beta)"


def test_the_branches_of_a_union_are_not_told_as_fields() -> None:
    fields = {problem.field for problem in problems_of("title: x\nmixed: {size: -1}\n")}
    assert fields == {"mixed", "mixed.size"}


def test_a_field_named_like_a_type_keeps_its_name() -> None:
    class Odd(StrictModel):
        date: Inner

    with pytest.raises(InputError, match=r"f:1: date\.size"):
        strict_yaml.validate(strict_yaml.parse("date: {size: -1}", "f"), Odd)


def test_every_problem_is_told_not_only_the_first() -> None:
    fields = [problem.field for problem in problems_of("count: 0\non: 3\nunknown: 1\n")]
    assert sorted(fields) == ["count", "on", "title", "unknown"]


def test_a_validator_says_what_is_allowed_and_where_to_look() -> None:
    found = problem_of("title: x\ntier: Lwo\n")
    assert (found.message, found.allowed, found.line) == ("is no tier", "Low", 2)


def test_a_long_or_unprintable_value_is_shortened_and_escaped() -> None:
    message = problem_of(f"title: x\ncount: {'z' * 500}\n").message
    assert len(message) < 80
    assert "\u202e" not in problem_of('title: x\ncount: "\u202e"\n').message


def test_a_problem_in_a_part_of_a_document_stands_on_its_line_there() -> None:
    document = strict_yaml.parse("description: x\ndesk:\n  title: a\n  count: 99\n", "profile.yaml")
    with pytest.raises(InputError) as caught:
        strict_yaml.validate_data(document.data["desk"], Outer, document, ("desk",))
    assert str(caught.value) == "profile.yaml:4: desk.count: is 99 (allowed: at most 9)"


YAML_PIECES = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#~<=\n\t\\ \u2028\ufeff\x85\ud7ff",
        "a",
        "1",
        ": ",
        "- ",
        "\n  ",
        "---\n",
        "...\n",
        "<<",
        "!!str ",
        "&a ",
        "*a",
        "\\x00",
    ]
)


@given(st.lists(YAML_PIECES, max_size=40).map("".join))
@example('"\\N"')
@example("%TAG")
@settings(derandomize=True, deadline=None, max_examples=600)
def test_any_text_gives_plain_data_or_an_input_error(text: str) -> None:
    try:
        data = strict_yaml.parse(text, "f").data
    except InputError:
        return
    assert_plain(data)


@given(st.binary(max_size=200))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_any_bytes_give_text_or_an_input_error(raw: bytes) -> None:
    with contextlib.suppress(InputError):
        strict_yaml.parse(strict_yaml.decode(raw, "f"), "f")


PLAIN = st.recursive(
    st.one_of(
        st.integers(-(10**15), 10**15),
        st.booleans(),
        st.none(),
        st.text("abc ON'\":#&*!|-", max_size=12),
        st.dates(date(1000, 1, 1)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abcNO", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(PLAIN)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_plain_data_written_by_another_library_is_read_back_unchanged(data: object) -> None:
    # Aliases are switched off: equal dates would otherwise be written as one.
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump(data, Dumper=Plain, allow_unicode=True, sort_keys=False)
    assert strict_yaml.parse(text, "f").data == data


def assert_plain(data: object) -> None:
    if isinstance(data, dict):
        for key, value in data.items():
            assert isinstance(key, str)
            assert key
            assert_plain(value)
    elif isinstance(data, list):
        for value in data:
            assert_plain(value)
    else:
        assert data is None or isinstance(data, bool | int | float | str | date)
        assert not isinstance(data, float) or data - data == 0
