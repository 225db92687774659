"""Where options come from, and which is the stronger."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from jug.backends.registry import open_store
from jug.cli.reading import job_of, traceless
from jug.errors import OptionError
from jug.jugfile import init
from jug.options import KEYS, Options, default_options, read_configuration

Jug = Callable[..., Result]


def write(path: Path, text: str) -> None:
    """Write a file, with its folder if that is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of this test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def place(tmp_path: Path, home: Path) -> Path:
    """Return a folder deep in a repository, which is in a folder of its own."""
    place = tmp_path / "outside" / "repository" / "deep" / "deeper"
    place.mkdir(parents=True)
    (place.parents[1] / ".git").mkdir()
    return place


def test_nothing_is_configured_to_begin_with(place: Path) -> None:
    assert read_configuration(place, {}) == {}


def test_each_place_is_stronger_than_the_one_before(home: Path, place: Path) -> None:
    repository = place.parents[1]
    places: list[tuple[Path, str]] = [
        (home / ".config/jugrc", "[main]\njugdir={}"),
        (home / ".config/jug/jugrc", "[main]\njugdir={}"),
        (repository / "jugrc", "[main]\njugdir={}"),
        (repository / ".jugrc", "[main]\njugdir={}"),
        (repository / "pyproject.toml", "[tool.jug]\njugdir = '{}'"),
        (place.parent / "jugrc", "[main]\njugdir: {}"),
        (place / ".jugrc", "[main]\njugdir = {}"),
        (place / "pyproject.toml", "[tool.jug.main]\njugdir = '{}'"),
    ]

    for number, (path, text) in enumerate(places):
        write(path, text.format(number))
        assert read_configuration(place, {}) == {"jugdir": str(number)}

    assert read_configuration(place, {"JUG_JUGDIR": "x"}) == {"jugdir": "x"}


def test_the_former_releases_own_place_counts_where_the_user_has_no_newer_one(
    home: Path, place: Path
) -> None:
    write(home / ".jug/configrc", "[main]\njugdir=old\n")
    assert read_configuration(place, {}) == {"jugdir": "old"}

    write(place / "jugrc", "[main]\nshort=1\n")
    assert read_configuration(place, {}) == {"jugdir": "old", "short": True}

    write(home / ".config/jug/jugrc", "[main]\nverbose=info\n")
    assert read_configuration(place, {}) == {"verbose": "info", "short": True}


def test_the_home_may_be_written_as_a_tilde(home: Path, place: Path) -> None:
    write(place / "jugrc", "[main]\njugfile = ~/a.py\njugdir = ~/results\n")
    options = Options(read_configuration(place, {}), default_options)
    write(home / "a.py", "")

    assert options.jugfile == str(home / "a.py")
    with open_store(job_of(Options({"arguments": []}, options)).jugdir) as store:
        assert store.url == f"file:{home / 'results'}"


def test_a_stronger_place_hides_no_other_keys(place: Path) -> None:
    write(place.parent / "jugrc", "[main]\njugdir=a\n[execute]\nkeep-going=yes")
    write(place / "jugrc", "[main]\njugdir=b")

    assert read_configuration(place, {}) == {"jugdir": "b", "execute_keep_going": True}


def test_folders_above_the_repository_are_not_looked_at(place: Path) -> None:
    write(place.parents[2] / "jugrc", "[main]\njugdir=a")

    assert read_configuration(place, {}) == {}


def test_outside_a_repository_only_the_working_directory_counts(tmp_path: Path, home: Path) -> None:
    deep = tmp_path / "a" / "b"
    write(tmp_path / "a" / "jugrc", "[main]\njugdir=a")
    write(deep / "jugrc", "[main]\nshort=1")

    assert read_configuration(deep, {}) == {"short": True}


FORMER_FILES = [
    ("[main]\nverbose=quiet", {"verbose": "warning"}),
    ("[main]\nverbose=QUIET", {"verbose": "warning"}),
    ("[main]\nshort=y", {"short": True}),
    ("[graph]\nformat=svg", {"graph_file_format": "svg"}),
    ("[status]\ncache-file=x.sqlite3", {"status_cache_file": "x.sqlite3"}),
    ("[status]\ncache_clear=1", {"status_cache_clear": "1"}),
    ("[webstatus]\nport=8081\nip=0.0.0.0", {"webstatus_port": 8081, "webstatus_ip": "0.0.0.0"}),
    ("[invalid]\nname=f\npattern=g", {"invalid_name": "f", "invalid_pattern": "g"}),
    ("[install-skills]\noutput=x", {"install_skills_output": "x"}),
    ("[execute]\naggressive-unload=False\npdb=off", {"aggressive_unload": False, "pdb": False}),
    (
        "[execute]\ndebug=1\nverbose=info\nshort=1",
        {"debug": True, "verbose": "info", "short": True},
    ),
    ("[execute]\ninvalid=f", {"execute_name": "f"}),
    ("[status]\nclear=1", {"status_clear": "1"}),
    ("[DEFAULT]\njugdir=a\n[main]\nshort=1", {"jugdir": "a", "short": True}),
    ("[DEFAULT]\nverbose=info\njugdir=a\n[main]\njugdir=b", {"jugdir": "b", "verbose": "info"}),
    ("[main]\njugdir =\n", {}),
    ("[DEFAULT]\njugdir =\n[main]\nshort=1", {"short": True}),
]


@pytest.mark.parametrize(("text", "meaning"), FORMER_FILES)
def test_a_file_of_the_former_release_stops_no_command(
    jug: Jug, folder: Path, text: str, meaning: dict[str, Any]
) -> None:
    write(folder / "jugrc", text)

    assert read_configuration(folder, {}) == meaning
    assert jug("count", "--verbose=quiet", "primes.py").stderr == ""


FORMER_NAMES = {
    "execute_wait_cycle_time": 1.0,
    "execute_wait_cycle_time_secs": 1.0,
    "execute_target": "f",
    "graph_format": "svg",
    "status_cache_file": "x.sqlite3",
    "webstatus_port": 8081,
}


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_the_former_releases_names_in_python_are_those_of_the_option(name: str) -> None:
    with default_options.restored():
        setattr(default_options, name, FORMER_NAMES[name])

        assert getattr(Options({}, default_options), name) == FORMER_NAMES[name]


def test_what_the_former_release_had_is_read(place: Path) -> None:
    write(place / "jugrc", "[main]\njugdir=recent.%(jugfile)s\nwill_cite=True\n")

    assert read_configuration(place, {}) == {"jugdir": "recent.%(jugfile)s", "will_cite": True}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.variable)
def test_every_key_has_a_variable_that_follows_from_its_name(key: Any) -> None:
    given = {bool: "yes", int: "3", float: "2.5"}.get(type(key.default), "info")
    special = {"lease-seconds": "2.5", "runs-kept": "5", "capture": "no", "progress": "plain"}
    special |= {"until": "1780200000", "for": "3h50m", "margin": "30s"}
    special |= {"workers": "20", "time": "4h", "mem": "8G"}
    special |= {"cpus": "16", "memory": "64GB", "gpus": "2"}
    given = special.get(key.name, given)

    assert read_configuration(Path("/"), {key.variable: given}) == {
        key.python_name: key.convert(given)
    }
    assert getattr(default_options, key.plain_name) == getattr(default_options, key.python_name)


def test_the_documentation_has_each_key_once_in_its_section_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    keys = re.search("\n## Keys\n(.*?)\n## ", page, re.DOTALL)
    assert keys is not None
    *sections, without_effect = keys[1].split("\n### ")[1:]

    row = "^\\| ([a-z][a-z-]*) \\|"
    known = {f"{key.section} {key.name}": key.has_effect for key in KEYS}
    found = [
        f"{section.partition(chr(10))[0]} {name}"
        for section in sections
        for name in re.findall(row, section, re.MULTILINE)[1:]
    ]
    rows = re.findall(f"{row} ([a-z][a-z-]*) \\|", without_effect, re.MULTILINE)[1:]

    assert sorted(found) == sorted(name for name, counts in known.items() if counts)
    assert sorted(map(" ".join, rows)) == sorted(n for n, counts in known.items() if not counts)


def test_the_documentation_says_of_each_key_what_the_key_says_of_itself() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", page)  # links as they are read
    rows = re.findall(r"^\| ([a-z-]+) \|.*\| (.*) \|$", text.replace("`", ""), re.MULTILINE)
    said = {f"{name}: {words};" for name, words in rows}  # and the page may go on after that

    keys = [f"{key.name}: {key.help.replace('`', '')};" for key in KEYS if key.has_effect]
    assert [one for one in keys if not any(row.startswith(one) for row in said)] == []


MISSPELT = [
    ("JUG_JUGDRI", "is JUG_JUGDIR meant?"),
    ("JUG_EXECUTE_JOSB", "is JUG_EXECUTE_JOBS meant?"),
    ("JUG_MAX_TASK", "is JUG_MAX_TASKS meant?"),
    ("JUG_KEEP_GOING", "is JUG_EXECUTE_KEEP_GOING meant?"),
    ("JUG_JOBS", "is JUG_EXECUTE_JOBS or JUG_SUBMIT_JOBS meant?"),
]


@pytest.mark.parametrize(("variable", "advice"), MISSPELT)
def test_a_misspelt_variable_is_told(
    place: Path, caplog: pytest.LogCaptureFixture, variable: str, advice: str
) -> None:
    assert read_configuration(place, {variable: "2"}) == {}

    assert caplog.messages == [f"the variable {variable} means nothing: {advice}"]


@pytest.mark.parametrize("variable", ["JUG_DATA", "JUGGLE", "jug_jugdri", "JUG_", "JUG"])
def test_what_is_like_no_variable_of_jugs_is_somebody_elses(
    place: Path, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    assert read_configuration(place, {variable: "2"}) == {}

    assert caplog.messages == []


def test_a_command_tells_of_a_misspelt_variable_once(
    jug: Jug, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "jugfile.py", "")
    monkeypatch.setenv("JUG_JUGDRI", "elsewhere")

    told = jug("execute").stderr.splitlines()

    assert told[0] == "jug: the variable JUG_JUGDRI means nothing: is JUG_JUGDIR meant?"
    assert "JUGDRI" not in "".join(told[1:])


def test_all_variables_that_are_read_or_documented_are_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = Path(__file__).parents[2]
    files = [*root.glob("packages/*/src/**/*.py"), root / "docs" / "configuration.md"]
    names = {
        name for file in files for name in re.findall(r"\bJUG_[A-Z_]*[A-Z]\b", file.read_text())
    }

    assert {"JUG_JUGDIR", "JUG_END_TIME", "JUG_MAX_TASKS", "JUG_REDIS_PATIENCE"} <= names
    read_configuration(root, dict.fromkeys(names - {"JUG_JUGDRI"}, ""))  # the example of a slip
    assert caplog.messages == []


BAD_FILES = [
    ("[main]\n\njugdri = x", "line 3, [main] jugdri: unknown key; those of [main] are jugfile, "),
    (
        "[exec]\nname = x",
        "line 2, [exec] name: unknown section; the sections are [main], [execute]",
    ),
    ("[execute]\nwait-cycle-time=x", "line 2, [execute] wait-cycle-time: 'x' must be a number"),
    ("[execute]\nnr_wait_cycles=1.5", "line 2, [execute] nr_wait_cycles: '1.5' must be a whole"),
    (
        "[execute]\nuntil=soon",
        "line 2, [execute] until: 'soon' must be a moment such as 17:30, 2026-",
    ),
    ("[execute]\nfor=90", "line 2, [execute] for: '90' must be a time such as 90s, 20 min, 1h30m"),
    ("[execute]\njobs=-1", "line 2, [execute] jobs: '-1' must be a whole number from 0 up"),
    ("[main]\nshort=maybe", "line 2, [main] short: 'maybe' must be true or false"),
    ("[main]\nverbose=loud", "line 2, [main] verbose: 'loud' must be one of debug, info"),
    ("[main]\nlease-seconds=nan", "line 2, [main] lease-seconds: 'nan' must be a number above 0"),
    ("[main]\nlease-seconds=-1", "line 2, [main] lease-seconds: '-1' must be a number above 0"),
    ("[main]\nlease-seconds=0", "line 2, [main] lease-seconds: '0' must be a number above 0"),
    ("jugdir=x", "line 1: 'jugdir=x' stands in no section: write [main] above it"),
    ("[execute\njobs=2", "line 1: '[execute' begins a section and lacks its ]"),
    ("[main]\nshort=1\n[execute  ; mine\njobs=2", "line 3: '[execute  ; mine' begins a section"),
    ("[main]\nshort", "line 2: 'short' is neither a [section] nor key = value"),
    ("[main]\nshort=1\nshort=2", "line 3: option 'short' in section 'main' already exists"),
    ("[main]\nshort=1\n[main]\n", "line 3: section 'main' already exists"),
    ("[DEFAULT]\njugdir=x\n[status]\ncache=1\n", "line 2, [DEFAULT] jugdir: no section of this"),
    ("[DEFAULT]\nshort=x\n[main]\n", "line 2, [DEFAULT] short: 'x' must be true or false"),
]


@pytest.mark.parametrize(("text", "complaint"), BAD_FILES)
def test_a_bad_file_is_named_with_line_and_key(place: Path, text: str, complaint: str) -> None:
    write(place / "jugrc", text)

    with pytest.raises(OptionError) as caught:
        read_configuration(place, {})

    assert str(place / "jugrc") in str(caught.value)
    assert complaint in str(caught.value)


BAD_TABLES = [
    ("[tool.jug]\njugdri = 'x'", "line 2, [tool.jug] jugdri: unknown key; those of [tool.jug] are"),
    (
        "[tool.jug]\n[tool.jug.execute]\njbs = 1",
        "line 3, [tool.jug.execute] jbs: unknown key; those of [tool.jug.execute] are",
    ),
    (
        "[tool.jug.exec]\nname = 'x'",
        "line 2, [tool.jug.exec] name: unknown section; the sections "
        "are [tool.jug], [tool.jug.execute]",
    ),
    ("[tool.jug]\n[tool.jug.execute]\njobs = 'x'", "line 3, [tool.jug.execute] jobs: 'x' must be"),
    ("[tool.jug.main]\njugdir = 3", "line 2, [tool.jug] jugdir: 3 must be text"),
    ("[tool.jug.execute]\nkeep-going = 'x'", "line 2, [tool.jug.execute] keep-going: 'x' must be"),
    ("[tool.jug\n", "is no TOML file"),
    ("tool = 1\n", "'tool' must be a table, [tool.jug]"),
    ("[tool]\njug = 1\n", "'jug' must be a table, [tool.jug]"),
]


@pytest.mark.parametrize(("text", "complaint"), BAD_TABLES)
def test_a_bad_table_is_named_with_line_and_key(place: Path, text: str, complaint: str) -> None:
    write(place / "pyproject.toml", text)

    with pytest.raises(OptionError) as caught:
        read_configuration(place, {})

    assert complaint in str(caught.value)


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(OptionError, match="the variable JUG_EXECUTE_JOBS: 'x' must be a whole"):
        read_configuration(Path("/"), {"JUG_EXECUTE_JOBS": "x"})


def test_the_command_says_so_and_exits_with_2(jug: Jug, folder: Path) -> None:
    write(folder / "jugrc", "[main]\nshrt=1")

    result = jug("status", "primes.py", status=2)

    assert result.stderr.startswith(f"Error: {folder / 'jugrc'}, line 2, [main] shrt: unknown key")


def store_of_init(*arguments: str) -> str:
    with traceless("primes.py"):
        return Path(init(*arguments)[0].url).name


def test_init_reads_what_the_command_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "jugrc", "[main]\njugfile=primes.py\njugdir=dict_store:rc.%(jugfile)s")

    assert store_of_init() == "rc.primes"
    monkeypatch.setenv("JUG_JUGDIR", "dict_store:environ")
    assert store_of_init("primes.py") == "environ"
    assert store_of_init("primes.py", "dict_store:given") == "given"


def test_init_uses_what_a_program_has_set(folder: Path) -> None:
    with default_options.restored():
        default_options.jugdir = "dict_store:set"

        assert store_of_init("primes.py") == "set"


def test_the_command_line_is_stronger_than_all(
    jug: Jug, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "jugrc", "[main]\njugdir=dict_store:a\nshort=1")
    jugfile = "from jug import CachedFunction\nCachedFunction(abs, -1)\n"
    write(folder / "c.py", jugfile)

    jug("status", "c.py")
    monkeypatch.setenv("JUG_JUGDIR", "dict_store:b")
    jug("status", "c.py")
    jug("status", "--jugdir", "dict_store:c", "c.py")

    assert all((folder / name).exists() for name in "abc")


def test_jugfile_and_jugdir_can_come_from_the_environment(
    jug: Jug, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUG_JUGFILE", "primes.py")
    monkeypatch.setenv("JUG_SHORT", "1")

    assert jug("status", status=1).stdout.startswith("7 tasks waiting")


def test_what_is_set_in_a_program_is_stronger_than_files_and_weaker_than_the_command_line() -> None:
    with default_options.restored():
        default_options.execute_nr_wait_cycles = 7
        command_line = Options({"execute_jobs": 3}, default_options)

        assert command_line.execute_nr_wait_cycles == 7
        assert command_line.execute_jobs == 3
        assert command_line.execute_wait_cycle_time_secs == 12.0

    assert default_options.execute_nr_wait_cycles == 150


def test_an_option_that_does_not_exist_cannot_be_set() -> None:
    with pytest.raises(
        OptionError,
        match="unknown option 'execute_wait_cycles': the options are jugfile, jugdir, verbose, .*"
        "webstatus_ip$",
    ):
        default_options.execute_wait_cycles = 1


def test_an_option_cannot_be_set_to_a_bad_value() -> None:
    with pytest.raises(OptionError, match="'execute_nr_wait_cycles': 'x' must be a whole number"):
        default_options.execute_nr_wait_cycles = "x"


def test_an_option_that_does_not_exist_is_no_attribute() -> None:
    assert not hasattr(default_options, "execute_speed")
    assert "execute_jobs" in dir(default_options)


def test_a_jugfile_that_sets_the_jugdir_too_late_is_told_what_to_do(jug: Jug, folder: Path) -> None:
    write(folder / "late.py", "import jug.options\njug.options.default_options.jugdir = 'x'\n")

    result = jug("status", "late.py", status=1)

    assert "call jug.set_jugdir(...) there" in result.stderr
    with (
        traceless("late.py"),
        pytest.raises(OptionError, match=r"call jug.set_jugdir\(...\) there"),
    ):
        init("late.py", on_error="propagate")


def test_options_pickle() -> None:
    options = Options({"execute_jobs": 3}, Options({"short": True}))

    copy = pickle.loads(pickle.dumps(options))

    assert (copy.execute_jobs, copy.short) == (3, True)


@pytest.mark.parametrize("url", ["redis://h", "REDIS://h", "Rediss+Cluster://h", "UNIX:///run/r"])
def test_a_server_in_capitals_has_the_projects_prefix_too(place: Path, url: str) -> None:
    write(place / "primes.py", "")
    given = {"jugfile": str(place / "primes.py"), "jugdir": url, "arguments": []}

    job = job_of(Options(given | {"lease_seconds": 7.0}, default_options))

    assert job.store_options == {"prefix": "primes", "lease_seconds": 7.0}
