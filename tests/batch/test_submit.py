"""`jug submit` with a batch system that is played."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from jug.batch.folders import keep
from jug.batch.names import family

JUGFILE = """
from jug import TaskGenerator

@TaskGenerator
def double(n):
    return 2 * n

tasks = [double(n) for n in range({count})]
"""

ASKED = ("--workers", "20", "--time", "1h", "work.py")


@pytest.fixture(autouse=True)
def jugfile(folder):
    (folder / "work.py").write_text(JUGFILE.format(count=100))


@pytest.fixture
def name(folder):
    return f"{family('work.py', f'file:{folder}/work.jugdata')}-x1"


def queued(name, count, state="PENDING"):
    return "".join(f"1233_{n}|{state}||N/A|N/A|Priority|{name}\n" for n in range(count))


def scripts():
    return [path.read_text() for path in sorted(Path("work.jugdata.jobs").glob("*.sh"))]


# What is asked for


def test_as_many_jobs_are_asked_for_as_are_wanted(jug, slurm, programs, name):
    said = jug("submit", *ASKED).output

    assert "100 tasks are left, of unknown length" in said
    assert f"Asks Slurm for 20 jobs of 1 worker for 1 h, at most 20 core hours: {name}" in said
    assert "Submitted: 1234" in said
    [script] = scripts()
    assert "#SBATCH --array=0-19\n" in script
    assert programs.calls("sbatch") == [
        f"--parsable {path.absolute()}" for path in Path("work.jugdata.jobs").iterdir()
    ]


def test_what_waits_or_runs_for_the_same_is_not_asked_for_again(jug, slurm, programs, name):
    slurm(queued(name, 15) + queued(name, 5, "RUNNING"))

    said = jug("submit", *ASKED).output

    assert "jobs in the queue: 5 running, 15 waiting" in said
    assert "Nothing to submit" in said
    assert not programs.calls("sbatch")


def test_the_difference_is_asked_for(jug, slurm, name):
    slurm(queued(name, 18) + queued("another-name", 7) + queued("jug-x-0123abcd-x9", 7))

    assert "Asks Slurm for 2 jobs" in jug("submit", *ASKED).output


def test_jobs_with_another_number_of_workers_count_for_these(jug, slurm, name):
    slurm(queued(name.replace("-x1", "-x4"), 4))

    assert "Asks Slurm for 4 jobs" in jug("submit", *ASKED).output


def test_jobs_for_a_choice_of_tasks_are_not_those_for_all(jug, slurm, name):
    slurm(queued(name, 20))

    assert "Asks Slurm for 20 jobs" in jug("submit", "--name", "double", *ASKED).output
    [script] = scripts()
    assert " --name=double " in script


def test_jobs_that_end_just_now_do_not_count(jug, slurm, name):
    slurm(queued(name, 20, "COMPLETING"))

    assert "Asks Slurm for 20 jobs" in jug("submit", *ASKED).output


def test_no_more_workers_are_asked_for_than_tasks_can_be_in_progress(jug, slurm, folder):
    (folder / "work.py").write_text(
        "from jug import Task\n"
        "chain = 1.5\n"
        "for _ in range(50):\n"
        "    chain = Task(abs, chain)\n"
        "for n in range(3):\n"
        "    Task(divmod, n, chain)\n"
    )

    assert "Asks Slurm for 3 jobs" in jug("submit", *ASKED).output


def test_each_job_has_the_workers_that_were_asked_for(jug, slurm):
    said = jug("submit", "-j", "8", *ASKED).output

    assert "Asks Slurm for 2 jobs of 8 workers for 1 h, at most 16 core hours" in said
    assert " execute -j 8 " in scripts()[0]
    assert "#SBATCH --cpus-per-task=8\n" in scripts()[0]


def test_nothing_is_asked_for_where_all_is_done(jug, slurm, executed, programs):
    executed("work.py")

    assert "0 tasks are left" in jug("submit", *ASKED).output
    assert not programs.calls("sbatch")
    assert not programs.calls("squeue")


def test_the_work_is_estimated_by_earlier_runs(jug, slurm, folder, executed):
    executed("work.py")
    (folder / "work.py").write_text(JUGFILE.format(count=200))

    said = jug("submit", *ASKED).output

    assert re.search(r"100 tasks are left, about [0-9.]+ (µs|ms|s) of work;", said)


def test_a_time_that_the_longest_task_does_not_fit_into_is_refused(jug, slurm, folder, executed):
    (folder / "work.py").write_text(
        "from jug import Task\nimport time\n"
        "done, more = Task(time.sleep, 0.2), Task(time.sleep, 0.3)\n"
    )
    executed("work.py")
    jug("invalidate", "--name", "sleep(0.3)", "work.py")

    (folder / "jugrc").write_text("[execute]\nmargin = 0.9 s\n")

    said = jug("submit", "--workers", "1", "--time", "1s", "work.py", status=2).output

    assert "--time 1.0 s is too short for 1 task of time.sleep, as one took 3" in said
    assert re.search(r"ask for 1\.\d s or more", said)


def test_an_array_is_split_where_the_site_has_a_limit(jug, slurm, programs):
    programs.add("scontrol", "echo 'MaxArraySize = 8'")

    jug("submit", *ASKED)

    arrays = [re.search(r"--array=(\S+)", text)[1] for text in scripts()]
    assert sorted(arrays) == ["0-3", "0-7", "0-7"]
    assert len(set(programs.calls("sbatch"))) == 3


def test_tasks_with_different_needs_have_jobs_of_their_own(jug, slurm, folder):
    (folder / "work.py").write_text(
        "from jug import TaskGenerator\n"
        "@TaskGenerator\ndef small(n):\n    return n\n"
        "@TaskGenerator(cpus=4, memory='2 GiB', gpus=1)\ndef large(n):\n    return n\n"
        "small_ones, large_ones = [small(n) for n in range(9)], [large(n) for n in range(3)]\n"
    )

    said = jug("submit", "-j", "2", *ASKED).output

    assert "Asks Slurm for 5 jobs of 2 workers for 1 h, at most 10 core hours" in said
    assert "Asks Slurm for 2 jobs of 2 workers for 1 h, at most 16 core hours" in said
    assert "-x2\n  for tasks with 4 CPUs, 2.1 GB of memory, 1 GPU\n" in said
    large, small = sorted(scripts(), key=lambda script: "cpus-per-task=8" not in script)
    assert "#SBATCH --mem=4096M\n#SBATCH --gres=gpu:2\n" in large
    assert " execute -j 2 --cpus 8 --memory 4096MiB --gpus 2 " in large
    assert " execute -j 2 --cpus 2 --memory 0MiB --gpus 0 " in small


def test_tasks_with_tags_are_chosen_by_them(jug, slurm, folder):
    (folder / "work.py").write_text(
        "from jug import TaskGenerator\n"
        "@TaskGenerator\ndef small(n):\n    return n\n"
        "@TaskGenerator(tags={'licence'})\ndef dear(n):\n    return n\n"
        "small_ones, dear_ones = [small(n) for n in range(9)], [dear(n) for n in range(3)]\n"
    )

    said = jug("submit", *ASKED).output

    assert "-x1\n  for tasks with 1 CPU and the tag licence\n" in said
    assert "Asks Slurm for 3 jobs of 1 worker for 1 h, at most 3 core hours" in said
    licence, small = sorted(scripts(), key=lambda script: "--tag=licence" not in script)
    assert " --tag=licence " in licence and "--array=0-2" in licence
    assert " --without-tag=licence " in small and "--array=0-8" in small


# The script


def test_a_dry_run_shows_the_script_alone_and_submits_nothing(jug, slurm, programs, folder):
    result = jug("submit", "--dry-run", *ASKED)

    assert result.stdout.startswith("#!/bin/bash\n#SBATCH --job-name=jug-work-")
    assert "Would ask Slurm for 20 jobs" in result.stderr
    assert not programs.calls("sbatch")
    assert not Path("work.jugdata.jobs").exists()


@pytest.mark.parametrize(("system", "is_told"), [("print", True), ("slurm", False)])
def test_who_submits_a_printed_script_is_told_what_its_jobs_must_be_given(
    jug, slurm, monkeypatch, system, is_told
):
    monkeypatch.setenv("JUG_PREFIX", "mine")

    said = jug("submit", "--dry-run", "--to", system, *ASKED).stderr

    told = "jug: the script leaves JUG_PREFIX to the environment of its jobs: set that there\n"
    assert (told in said) is is_told


def test_lines_of_setup_and_options_of_the_scheduler_are_in_the_script(jug, slurm):
    jug("submit", "--setup", "module load a", "--setup", "module load b", *ASKED,
        "--", "--qos=long", "--comment=no hurry")  # fmt: skip

    [script] = scripts()
    assert "\nmodule load a\nmodule load b\ncd " in script
    assert "#SBATCH --qos=long '--comment=no hurry'\n" in script


def test_files_say_what_is_always_asked_for(jug, slurm, folder):
    (folder / "jugrc").write_text(
        "[submit]\nworkers = 3\ntime = 2h\naccount = physics\npartition = short\nmem = 2 GiB\n"
        "setup = module load a\n  module load b\n"
    )

    said = jug("submit", "work.py").output

    assert "Asks Slurm for 3 jobs of 1 worker for 2 h" in said
    [script] = scripts()
    for line in ("--account=physics", "--partition=short", "--mem=2048M", "--time=2:00:00"):
        assert f"#SBATCH {line}\n" in script
    assert "\nmodule load a\nmodule load b\n" in script


def test_arguments_of_the_jugfile_reach_the_workers(jug, slurm):
    jug("submit", *ASKED, "10", "two words")

    assert scripts()[0].endswith(" -- work.py 10 'two words'\n")


def test_a_template_of_the_user_is_filled_in(jug, slurm, folder):
    (folder / "mine.sh").write_text(
        "#!/bin/bash\n#SBATCH -J {{name}} -a {{range}}\n#SBATCH --mem {{memory}}\n{{command}}\n"
    )

    jug("submit", "--template", "mine.sh", *ASKED)

    [script] = scripts()
    assert re.fullmatch(
        r"#!/bin/bash\n#SBATCH -J jug-work-\w+-x1 -a 0-19\n\S+ -m jug execute .*\n", script
    )


def test_a_template_is_printed_to_begin_with(jug, slurm, folder):
    (folder / "mine.sh").write_text(jug("submit", "--print-template").output)
    by_itself = jug("submit", "--dry-run", *ASKED).stdout

    assert jug("submit", "--dry-run", "--template", "mine.sh", *ASKED).stdout == by_itself


def test_a_template_by_which_jobs_would_not_be_found_again_is_refused(jug, slurm, folder):
    (folder / "mine.sh").write_text("#SBATCH --array={{range}}\n")

    said = jug("submit", "--template", "mine.sh", *ASKED, status=2).output

    assert "the template has no {{name}}" in said


@pytest.mark.parametrize(
    "template",
    ["#SBATCH -J {{name}} --mem {{memory}}\n#SBATCH -a {{range}}\n",
     "#SBATCH -J {{name}}\n#SBATCH -a {{range}} -A {{account}}\n"],
)  # fmt: skip
def test_a_line_by_which_jobs_are_found_is_not_left_out(jug, slurm, folder, programs, template):
    (folder / "mine.sh").write_text(template)

    said = jug("submit", "--template", "mine.sh", *ASKED, status=2).output

    assert "in a line that is left out" in said
    assert "give it a line of its own" in said
    assert not programs.calls("sbatch")


def test_a_field_that_is_misspelt_is_refused(jug, slurm, folder, programs):
    (folder / "mine.sh").write_text("{{name}} {{range}} {{memmory}}\n")

    said = jug("submit", "--template", "mine.sh", *ASKED, status=2).output

    assert "the template has a field 'memmory': the fields are account, " in said
    assert not programs.calls("sbatch")


def test_what_is_set_for_jug_in_the_environment_is_so_in_jobs(jug, slurm, programs, monkeypatch):
    programs.add("sbatch", "env > seen; echo 1")
    monkeypatch.setenv("JUG_LEASE_SECONDS", "17")
    monkeypatch.setenv("JUG_END_TIME", "1780200000")

    jug("submit", *ASKED)

    seen = Path("seen").read_text().splitlines()
    assert "JUG_LEASE_SECONDS=17" in seen


def test_what_is_of_the_job_in_which_it_runs_is_not_inherited(jug, slurm, programs, monkeypatch):
    programs.add("sbatch", "env > seen; echo 1")
    for variable in ("SLURM_JOB_ID", "SLURM_MEM_PER_CPU", "SBATCH_PARTITION", "SLURM_CONF"):
        monkeypatch.setenv(variable, "1")

    jug("submit", *ASKED)

    names = {line.partition("=")[0] for line in Path("seen").read_text().splitlines()}
    assert "SLURM_CONF" in names
    assert not {"SLURM_JOB_ID", "SLURM_MEM_PER_CPU", "SBATCH_PARTITION"} & names


def test_what_the_user_has_set_for_all_jobs_stays_outside_of_one(jug, slurm, programs, monkeypatch):
    programs.add("sbatch", "env > seen; echo 1")
    monkeypatch.setenv("SBATCH_ACCOUNT", "physics")

    jug("submit", *ASKED)

    assert "SBATCH_ACCOUNT=physics\n" in Path("seen").read_text()


def test_what_makes_jobs_others_than_those_asked_for_is_not_inherited(
    jug, slurm, programs, monkeypatch
):
    for program in ("sbatch", "squeue"):
        programs.add(program, f"env > seen-{program}; echo 1")
    odd = ("SBATCH_JOB_NAME", "SBATCH_ARRAY_INX", "SBATCH_TIMELIMIT", "SQUEUE_STATES")
    for variable in odd:
        monkeypatch.setenv(variable, "1")

    jug("submit", *ASKED)

    for program in ("sbatch", "squeue"):
        seen = Path(f"seen-{program}").read_text()
        assert not [variable for variable in odd if variable in seen]


def test_scripts_of_commands_that_are_given_at_once_are_kept_apart(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(lambda n: keep(tmp_path / "x", "jug", ".sh", str(n)), range(40)))

    assert [path.read_text() for path in paths] == [str(n) for n in range(40)]


# Again and again


RUN = """for script; do :; done
echo "$script" >> ran; echo 1234
bash "$script" >/dev/null 2>&1
exit 0
"""


def test_a_watch_asks_until_all_is_done(jug, slurm, programs, folder):
    programs.add("sbatch", RUN)
    (folder / "work.py").write_text(
        "from jug import TaskGenerator, barrier\n"
        "@TaskGenerator\ndef double(n):\n    return 2 * n\n"
        "first = double(1)\nbarrier()\nsecond = double(first.value() + 1)\n"
    )

    said = jug("submit", "--watch", "--every", "0.01s", *ASKED).output

    assert said.endswith("All tasks are done.\n")
    assert "Submitted: 1234" in said


def test_a_watch_ends_where_nothing_but_failures_is_left(jug, slurm, programs, folder):
    programs.add("sbatch", RUN)
    (folder / "work.py").write_text("from jug import Task\nTask(int, 'x')\n")

    said = jug("submit", "--watch", "--every", "0.01s", *ASKED, status=1).output

    assert "1 task failed, or had to wait for one that did: `jug failures` shows why" in said
    assert len(Path("ran").read_text().splitlines()) == 1


def test_a_watch_ends_where_jobs_die_and_do_nothing(jug, slurm, programs):
    said = jug("submit", "--watch", "--every", "0.01s", *ASKED, status=1).output

    assert "the jobs are over, and no task was done: their logs are in" in said
    assert len(programs.calls("sbatch")) == 1


def test_a_watch_asks_for_nothing_while_the_queue_does_not_answer(jug, slurm, programs, name):
    """It answers, fails twice, and shows no jobs then."""
    programs.add(
        "squeue",
        "read -r n < asked || n=0; echo $((n + 1)) > asked\n"
        "if [ $n = 1 ] || [ $n = 2 ]; then echo slow >&2; exit 1; fi",
    )

    said = jug("submit", "--watch", "--every", "0.01s", *ASKED, status=1).output

    assert said.count("Submitted: 1234") == 1
    assert "the jobs are over, and no task was done" in said
    assert len(programs.calls("squeue")) == 4


def test_a_watch_goes_on_while_jobs_are_there(jug, slurm, programs, name):
    """They are in the queue for two rounds, and gone then."""
    programs.add(
        "squeue",
        "read -r n < asked || n=0; echo $((n + 1)) > asked\n"
        f"if [ $n = 1 ] || [ $n = 2 ]; then echo '1_0|RUNNING|n|1|1|None|{name}'; fi",
    )

    asked = ("--workers", "1", "--time", "1h", "work.py")
    said = jug("submit", "--watch", "--every", "0.01s", *asked, status=1).output

    assert "the jobs are over, and no task was done" in said
    assert len(programs.calls("squeue")) == 4


@pytest.mark.parametrize("option", [["--dry-run"], ["--to", "print"]])
def test_a_watch_has_to_submit(jug, slurm, option):
    assert "--watch submits" in jug("submit", "--watch", *option, *ASKED, status=2).output


def test_how_often_to_watch_must_be_a_time(jug, slurm):
    said = jug("submit", "--watch", "--every", "now", *ASKED, status=2).output

    assert "--every must be a time such as 90s" in said


# What is wrong


def test_failures_among_what_is_left_are_counted(jug, slurm, folder, executed):
    (folder / "work.py").write_text(
        "from jug import Task\nbad = Task(int, 'x')\nTask(abs, bad)\nTask(abs, 1)\n"
    )
    executed("work.py", keep_going=True)

    said = jug("submit", *ASKED).output

    assert re.search(r"\d tasks are left, .*, 2 of them failed or in need of one that did;", said)


def test_a_queue_that_does_not_answer_costs_a_line(jug, slurm, programs):
    programs.add("squeue", "echo 'slurm_load_jobs error: Unable to contact' >&2; exit 1")

    said = jug("submit", *ASKED).output

    assert "not known what is in the queue: squeue says: slurm_load_jobs error: Unable" in said
    assert "Submitted: 1234" in said


def test_what_the_scheduler_refuses_is_told_in_its_own_words(jug, slurm, programs):
    programs.add("sbatch", "echo 'sbatch: error: Invalid qos specification' >&2; exit 1")

    said = jug("submit", *ASKED, status=1).output

    [script] = scripts()
    name = re.search("--job-name=(.*)", script)[1]
    assert f"Error: {name}: sbatch says: sbatch: error: Invalid qos specification" in said


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["--qos=long"], "has no option --qos (it goes to the jugfile; "),
        (["--tme=3", "--"], "has no option --tme: is --time meant? (it goes to the jugfile; "),
    ],
)
def test_an_option_of_the_scheduler_without_dashes_is_warned_of(jug, slurm, words, warning):
    said = jug("submit", *ASKED, *words).stderr

    assert f"{warning}what is for the batch system stands behind --)" in said


def test_an_option_of_the_jugfile_costs_no_word_where_dashes_stand(jug, slurm):
    assert "has no option" not in jug("submit", *ASKED, "--seed=3", "--").stderr


def test_an_option_before_the_jugfile_is_told_where_those_of_the_scheduler_belong(jug, slurm):
    said = jug("submit", "--qos=long", *ASKED, status=2).stderr

    assert "for the jugfile stands behind its name, for the batch system behind --)" in said


def test_nothing_is_left_half_submitted(jug, slurm, programs):
    programs.add("scontrol", "echo 'MaxArraySize = 8'")
    programs.add("sbatch", "[ -e first ] && echo 'too many jobs' >&2 && exit 1; : > first; echo 77")

    said = jug("submit", *ASKED, status=1).output

    assert "sbatch says: too many jobs" in said
    assert "What was submitted before that is cancelled: 77" in said
    assert programs.calls("scancel") == ["77"]


def test_lines_that_a_site_prints_are_not_taken_for_ids(jug, slurm, programs):
    programs.add("sbatch", "echo 'Welcome to cluster 7'; echo '1234;north'; echo 'Charged: 5'")

    assert jug("submit", *ASKED).output.endswith("Submitted: 1234\n")


def test_a_batch_system_that_is_not_there_is_told(jug, programs):
    said = jug("submit", "--to", "slurm", *ASKED, status=1).output
    assert "sbatch can't be run: No such file or directory" in said

    said = jug("submit", *ASKED, status=2).output
    assert "no batch system is found here: name one by --to, of slurm, lsf" in said


def test_an_unknown_batch_system_is_told(jug, programs):
    said = jug("submit", "--to", "slrum", *ASKED, status=2).output

    assert "there is no batch system 'slrum': those that are known are slurm, lsf" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2", "--time", "half an hour"], "must be a time such as 90s"),
        (["--workers", "2"], "say how long a job may take: --time 4:00:00"),
        (["--time", "1h"], "say how many workers there may be at most: --workers 20"),
        (["--workers", "0", "--time", "1h"], "say how many workers there may be at most"),
        (["--workers", "2", "-j", "0", "--time", "1h"], "say how many workers a job has: -j 4"),
        (["--workers", "2", "-j", "4", "--time", "1h"], "-j 4 is more than --workers 2"),
        (["--workers", "2", "--time", "1h", "--mem", "much"], "must be a size such as 8 GB"),
        (["--workers", "2", "--time", "1h", "--template", "x"], "the template can't be read"),
    ],
)
def test_what_can_not_be_meant_is_refused(jug, slurm, options, message):
    assert message in jug("submit", *options, "work.py", status=2).output


def test_a_folder_that_others_do_not_see_is_warned_of(jug, slurm, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(Path.cwd().parent))

    said = jug("submit", *ASKED).output

    assert "other machines may not see the results: the jugdir" in said
    assert "Submitted: 1234" in said


def test_pods_have_no_folder_in_common(jug, programs, folder):
    said = jug("submit", "--to", "kubernetes", "--image", "i", *ASKED, status=2).output

    assert "pods do not see the folder" in said


def test_a_manifest_is_printed_where_it_can_not_be_submitted(jug, programs, folder):
    options = ("--to", "kubernetes", "--image", "registry.example.org/work:1")
    (folder / "mine.yaml").write_text(jug("submit", *options, "--print-template").output)

    result = jug("submit", *options, "--template", "mine.yaml", *ASKED)

    assert result.stdout.startswith("apiVersion: batch/v1\nkind: Job\n")
    assert "  completions: 20\n" in result.stdout
    assert "Would ask Kubernetes for 20 jobs" in result.stderr
    assert "kubectl can't be run" in result.stderr


def test_manifests_of_several_kinds_are_one_stream_of_documents(jug, programs, folder):
    options = ("--to", "kubernetes", "--image", "registry.example.org/work:1", "--dry-run")
    (folder / "mine.yaml").write_text(jug("submit", *options, "--print-template").output)
    (folder / "work.py").write_text(
        "from jug import TaskGenerator\n"
        "@TaskGenerator\ndef small(n):\n    return n\n"
        "@TaskGenerator(gpus=1)\ndef large(n):\n    return n\n"
        "small_one, large_one = small(1), large(1)\n"
    )

    result = jug("submit", *options, "--template", "mine.yaml", *ASKED)

    assert [job["kind"] for job in yaml.safe_load_all(result.stdout)] == ["Job", "Job"]


def test_a_store_in_memory_is_warned_of(jug, slurm):
    said = jug("submit", "--jugdir", "dict_store", *ASKED).output

    assert "the store is in the memory of one process" in said
    assert len(list(Path("work.jobs").glob("*.sh"))) == 1


def test_a_jugdir_of_a_newer_version_is_refused(jug, slurm, programs, executed):
    from jug.backends._file import marker

    executed("work.py")
    lines = marker.text().rpartition("sum ")[0].replace(f"store {marker.MAJOR}.", "store 99.")
    Path("work.jugdata/format").write_text(marker.with_sum(lines))

    assert "update jug-file" in jug("submit", *ASKED, status=1).output
    assert not programs.calls("sbatch")


def test_odd_characters_of_a_jugfile_are_not_in_the_name(jug, slurm, folder):
    (folder / "Größe & 'Maß' (1).py").write_text(JUGFILE.format(count=2))

    jug("submit", "--workers", "2", "--time", "1h", "Größe & 'Maß' (1).py")

    [script] = Path("Größe & 'Maß' (1).jugdata.jobs").iterdir()
    assert re.match(r"jug-gr-e-ma-1-[0-9a-f]{8}-x1\.", script.name)
    assert '#SBATCH --output="' in script.read_text()
