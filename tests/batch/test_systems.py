"""What each batch system is given, and how what it says is read."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from jug.backends.worker_record import WorkerRecord
from jug.batch.names import JobName
from jug.batch.programs import BatchError
from jug.batch.request import Request
from jug.batch.systems import SYSTEMS, find_system, system_called
from jug.batch.templates import filled
from jug.errors import OptionError

GOLDEN = Path(__file__).parent / "golden"

LITTLE = Request(
    name=JobName("jug-seg-0123abcd", "", 1),
    jobs=1,
    seconds=3600,
    python="/opt/python/bin/python3",
    words=("execute", "-j", "1", "--jugdir", "/scratch/seg.jugdata", "seg.py"),
    folder="/home/ana",
    logs="/scratch/seg.jugdata.jobs",
    image="registry.example.org/ana/seg:1",
    secret="jug",
)
MUCH = Request(
    name=JobName("jug-seg-0123abcd", "9f3a", 4),
    jobs=5,
    seconds=36 * 3600 + 90,
    cpus=16,
    memory=64 * 1024**3,
    gpus=2,
    account="physics",
    partition="long",
    setup=("module load gcc", "export X='a b'"),
    raw=("--comment", "no hurry"),
    python="/opt/python/bin/python3",
    words=("execute", "-j", "4", "--jugdir", "/my data/seg.jugdata", "--", "seg.py", "two words"),
    variables={"JUG_LEASE_SECONDS": "17", "JUG_PREFIX": "seg"},
    folder="/home/ana/my work",
    logs="/my data/seg.jugdata.jobs",
)
LITTLE_POD = replace(LITTLE, words=("execute", "-j", "1", "seg.py"))
FOR_PODS = Request(
    name=JobName("jug-seg-0123abcd", "9f3a", 4),
    jobs=5,
    seconds=4 * 3600,
    cpus=16,
    memory=64 * 1024**3,
    gpus=2,
    words=("execute", "-j", "4", "seg.py"),
    image="registry.example.org/ana/seg:1",
    secret="jug",
    variables={"JUG_JUGDIR": "redis://:secret@head", "JUG_PREFIX": "seg"},
)

SIZES = {"little": LITTLE, "much": MUCH}
SCRIPTS = [name for name in SYSTEMS if name != "kubernetes"]


def script(name, request):
    system = system_called(name)
    return filled(system.template, system.fields(request))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("size", ["little", "much"])
def test_the_scripts_are_those_that_are_kept_here(name, size):
    sizes = {"little": LITTLE_POD, "much": FOR_PODS} if name == "kubernetes" else SIZES
    found = script(name, sizes[size])
    kept = GOLDEN / f"{size}-{name}{system_called(name).suffix}"

    assert found == kept.read_text()


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("request_", [LITTLE, MUCH], ids=["little", "much"])
def test_the_scripts_are_sound_to_a_shell(name, request_):
    checked = subprocess.run(
        ["bash", "-n"], input=script(name, request_), text=True, capture_output=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_script_runs_jug_where_it_should_with_an_end_and_in_place_of_itself(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/bash\necho "$$" "$PPID" "$PWD" "$JUG_END_TIME" "$@"\n')
    python.chmod(0o755)
    request = Request(
        name=JobName("jug-seg-0123abcd", "", 1), jobs=1, seconds=600,
        python=str(python), words=("execute", "a b"), folder=str(tmp_path),
        setup=("cd /",),
    )  # fmt: skip

    begun = subprocess.Popen(
        ["bash", "-c", script("print", request)], stdout=subprocess.PIPE, text=True
    )
    out, _ = begun.communicate()

    pid, _, folder, end, *words = out.split()
    assert (int(pid), folder, words) == (
        begun.pid,
        str(tmp_path),
        ["-m", "jug", "execute", "a", "b"],
    )
    now = int(subprocess.run(["date", "+%s"], capture_output=True, text=True).stdout)
    assert now + 580 < int(end) <= now + 600


# Kubernetes


@pytest.mark.parametrize("request_", [LITTLE_POD, FOR_PODS], ids=["little", "much"])
@pytest.mark.parametrize("version", ["1.31", "1.33"])
def test_a_manifest_is_valid_by_the_schema_of_kubernetes(request_, version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    import yaml

    [manifest] = yaml.safe_load_all(script("kubernetes", request_))

    kubernetes_validate.validate(manifest, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            manifest | {"spec": {**manifest["spec"], "completion": 3}}, version, strict=True
        )


def test_a_manifest_has_the_store_from_a_secret_alone():
    import yaml

    manifest = yaml.safe_load(script("kubernetes", FOR_PODS))

    [container] = manifest["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["jug", "execute", "--for", "14400s", "-j", "4", "seg.py"]
    assert container["env"][0] == {
        "name": "JUG_JUGDIR",
        "valueFrom": {"secretKeyRef": {"name": "jug", "key": "url"}},
    }
    assert {"name": "JUG_PREFIX", "value": "seg"} in container["env"]
    assert "secret@" not in str(manifest)
    assert manifest["spec"]["completions"] == manifest["spec"]["parallelism"] == 5


def test_the_words_of_a_pod_are_what_they_are():
    """Kubernetes puts variables into them, and would have the URL of the store where it is seen."""
    import yaml

    words = ("execute", "größe 😀.py", "$(JUG_JUGDIR)", "$HOME", 'a "b" \\ c')
    manifest = yaml.safe_load(script("kubernetes", replace(FOR_PODS, words=words)))

    [container] = manifest["spec"]["template"]["spec"]["containers"]
    assert [word.replace("$$", "$") for word in container["command"][4:]] == [*words[1:]]
    assert "$$(JUG_JUGDIR)" in container["command"]


def test_a_pod_needs_an_image():
    with pytest.raises(OptionError, match="name one by --image"):
        system_called("kubernetes").fields(MUCH)


# Their programs

QSTAT = """<?xml version='1.0'?>
<job_info><queue_info>
<job_list state="running"><JB_job_number>12</JB_job_number><JB_name>jug-seg-0123abcd-x4</JB_name>
<state>r</state><JAT_start_time>2026-05-31T06:00:00</JAT_start_time>
<queue_name>all.q@node7</queue_name><slots>4</slots><tasks>1</tasks></job_list>
</queue_info><job_info>
<job_list state="pending"><JB_job_number>12</JB_job_number><JB_name>jug-seg-0123abcd-x4</JB_name>
<state>qw</state><queue_name></queue_name><slots>4</slots><tasks>2-3:1</tasks></job_list>
</job_info></job_info>
"""

PBS_JOBS = {
    "12[].head": {"Job_Name": "jug-seg-0123abcd-x4", "job_state": "B", "Job_Owner": "ME@head"},
    "12[0].head": {"Job_Name": "jug-seg-0123abcd-x4", "job_state": "R", "Job_Owner": "ME@head",
                   "exec_host": "node7/0*4", "stime": "Sun May 31 06:00:00 2026"},
    "12[1].head": {"Job_Name": "jug-seg-0123abcd-x4", "job_state": "Q", "Job_Owner": "ME@head",
                   "comment": "Not Running: Insufficient ncpus"},
    "12[2].head": {"Job_Name": "jug-seg-0123abcd-x4", "job_state": "X", "Job_Owner": "ME@head"},
    "14[].head": {"Job_Name": "jug-seg-0123abcd-x4", "job_state": "Q", "Job_Owner": "ME@head"},
    "13.head": {"Job_Name": "other", "job_state": "R", "Job_Owner": "you@head"},
}  # fmt: skip

PODS = {
    "items": [
        {"metadata": {"name": "jug-seg-0123abcd-x4-tq2xw-0-8bd2k",
                      "labels": {"app.kubernetes.io/instance": "jug-seg-0123abcd-x4"}},
         "spec": {"nodeName": "node7"},
         "status": {"phase": "Running", "startTime": "2026-05-31T06:00:00Z"}},
        {"metadata": {"name": "jug-seg-0123abcd-x4-tq2xw-1-9cd3l",
                      "labels": {"app.kubernetes.io/instance": "jug-seg-0123abcd-x4"}},
         "spec": {}, "status": {"phase": "Pending"}},
        {"metadata": {"name": "jug-seg-0123abcd-x4-tq2xw-2-0zzzz"}, "spec": {},
         "status": {"phase": "Succeeded"}},
    ]
}  # fmt: skip

SAID = {
    "slurm": (
        "squeue",
        "Welcome!\n12_0|RUNNING|node7|1780200000|1780203600|None|jug-seg-0123abcd-x4\n"
        "12_1|PENDING||N/A|N/A|Resources|jug-seg-0123abcd-x4\n",
        ["12_0", "12_1"],
    ),
    "sge": ("qstat", QSTAT, ["12_1", "12_2", "12_3"]),
    "pbs": ("qstat", json.dumps({"Jobs": PBS_JOBS}), ["12[0].head", "12[1].head"]),
    "lsf": (
        "bjobs",
        "12|1|RUN|4*node7|jug-seg-0123abcd-x4[1]\n12|2|PEND|-|jug-seg-0123abcd-x4[2]\n",
        ["12_1", "12_2"],
    ),
    "htcondor": (
        "condor_q",
        "12 0 2 jug-seg-0123abcd-x4 slot1@node7 1780200000\n"
        "12 1 1 jug-seg-0123abcd-x4 undefined undefined\n"
        "12 2 4 jug-seg-0123abcd-x4 undefined undefined\n",
        ["12.0", "12.1"],
    ),
    "kubernetes": (
        "kubectl",
        json.dumps(PODS),
        ["jug-seg-0123abcd-x4-tq2xw-0-8bd2k", "jug-seg-0123abcd-x4-tq2xw-1-9cd3l"],
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_jobs_that_wait_or_run_are_found_in_what_the_queue_says(name, programs):
    program, said, ids = SAID[name]
    (programs.folder / "said").write_text(said.replace("ME@", f"{getpass.getuser()}@"))
    programs.add(program, f"cat {programs.folder}/said")

    first, *others = system_called(name).queue()

    assert [first.id, *(job.id for job in others)] == ids
    assert (first.name, first.is_running, first.place) == ("jug-seg-0123abcd-x4", True, "node7")
    assert {job.name for job in others} == {"jug-seg-0123abcd-x4"}
    assert not any(job.is_running for job in others)


@pytest.mark.parametrize(
    ("environ", "id"),
    [
        ({"SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "13"}, "12_0"),
        ({"SLURM_JOB_ID": "12"}, "12"),
        ({"JOB_ID": "12", "SGE_TASK_ID": "1"}, "12_1"),
        ({"JOB_ID": "12", "SGE_TASK_ID": "undefined"}, "12"),
        ({"PBS_JOBID": "12[0].head"}, "12[0].head"),
        ({"LSB_JOBID": "12", "LSB_JOBINDEX": "1"}, "12_1"),
        ({"CONDOR_ID": "12.0"}, "12.0"),
    ],
)
def test_a_worker_notes_its_job_by_the_id_that_the_queue_has(environ, id, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert WorkerRecord.here("0123456789abcdef").job.partition(" ")[2] == id


@pytest.mark.parametrize("name", ["slurm", "htcondor", "lsf"])
def test_an_empty_queue_has_no_jobs(name, programs):
    programs.add(SAID[name][0])

    assert system_called(name).queue() == []


def test_lsf_calls_an_empty_queue_an_error(programs):
    programs.add("bjobs", "echo 'No unfinished job found' >&2; exit 255")

    assert system_called("lsf").queue() == []


@pytest.mark.parametrize("name", ["sge", "pbs", "kubernetes"])
def test_what_a_site_prints_around_a_queue_is_passed_over(name, programs):
    program, said, ids = SAID[name]
    said = said.replace("ME@", f"{getpass.getuser()}@")
    (programs.folder / "said").write_text(
        f"<b>Welcome</b> to {{X}}!\n{said}\nBalance: <1000> h {{}}\n"
    )
    programs.add(program, f"cat {programs.folder}/said")

    assert [job.id for job in system_called(name).queue()] == ids


def test_a_queue_of_grid_engine_may_have_names_that_are_not_utf_8(programs):
    said = QSTAT.replace("jug-seg", "caf\udce9").encode("utf-8", "surrogateescape")
    (programs.folder / "said").write_bytes(said)
    programs.add("qstat", f"cat {programs.folder}/said")

    first, *_ = system_called("sge").queue()

    assert first.name == "caf\ufffd-0123abcd-x4"


def test_a_job_of_grid_engine_that_is_no_array_is_one(programs):
    (programs.folder / "said").write_text(QSTAT.replace("<tasks>1</tasks>", ""))
    programs.add("qstat", f"cat {programs.folder}/said")

    first, *_ = system_called("sge").queue()

    assert (first.id, first.is_running) == ("12", True)


def test_an_empty_queue_of_pbs_says_nothing(programs):
    programs.add("qstat")

    assert system_called("pbs").queue() == []


GARBAGE = [
    ("sge", "{<"),
    ("sge", QSTAT.replace("2-3:1", "two")),
    ("sge", QSTAT.replace("JB_job_number", "number")),
    ("sge", "<?xml version='1.0'?><a></job_info>"),
    *(("pbs", said) for said in ("{<", "[]", '{"Jobs": []}', '{"Jobs": null}')),
    ("pbs", '{"Jobs": {"1": 3}}'),
    ("pbs", '{"Jobs": {"1": {"job_state": ["R"]}}}'),
    *(("kubernetes", said) for said in ("{<", "{}", '{"items": [{}]}', '{"items": 3}')),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said"), GARBAGE)
def test_what_a_queue_says_that_can_not_be_read_is_an_error(name, said, programs):
    (programs.folder / "said").write_text(said)
    programs.add(SAID[name][0], f"cat {programs.folder}/said")

    with pytest.raises(BatchError, match=f"what {SAID[name][0]} says can't be read"):
        system_called(name).queue()


SUBMITTED = {
    "slurm": ("sbatch", "1234;north", "1234"),
    "sge": ("qsub", "1234.1-5:1", "1234"),
    "pbs": ("qsub", "1234[].head", "1234[].head"),
    "lsf": ("bsub", "Job <1234> is submitted to queue <normal>.", "1234"),
    "htcondor": (
        "condor_submit",
        "1234.0 - 1234.4",
        "1234",
    ),
    "kubernetes": ("kubectl", "job.batch/jug-seg-x4-abcde created", "jug-seg-x4-abcde"),
}


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_script_is_submitted_and_its_id_is_read_among_other_lines(name, programs, tmp_path):
    program, said, id = SUBMITTED[name]
    programs.add(program, f"echo 'Welcome to cluster 7!'\necho '{said}'\necho 'Balance: 1000 h'")
    path = tmp_path / "script"
    path.write_text(script(name, FOR_PODS))

    assert system_called(name).submit(path, {"JUG_JUGDIR": "redis://head"}) == id

    [call] = programs.calls(program)
    assert str(path) in call or str(path) in programs.stdin(program) or name == "lsf"
    if name == "lsf":
        assert programs.stdin("bsub") == path.read_text()


@pytest.mark.parametrize("name", ["lsf", "htcondor"])
def test_a_script_with_names_that_are_no_text_is_submitted_as_it_is(name, programs, tmp_path):
    program, said, id = SUBMITTED[name]
    programs.add(program, f"echo '{said}'")
    path = tmp_path / "script"
    path.write_bytes(os.fsencode(script(name, MUCH)) + b"cd '/home/jos\xe9'\n")

    assert system_called(name).submit(path, {}) == id

    given = (programs.folder / f"{program}.calls.stdin").read_bytes()
    assert given == path.read_bytes() or name == "htcondor"


def test_htcondor_is_given_the_description_in_the_head_of_the_script(programs, tmp_path):
    programs.add("condor_submit")
    path = tmp_path / "script.sh"
    path.write_text(script("htcondor", MUCH))

    system_called("htcondor").submit(path, {})

    assert programs.calls("condor_submit") == ["-terse -"]  # else it shows each job, and no id
    lines = programs.stdin("condor_submit").splitlines()
    assert lines[0] == f"executable = {path}"
    assert lines[-1] == "queue 5"
    assert "request_cpus = 16" in lines


def test_slurm_shows_each_element_of_an_array_and_moments_as_numbers(programs):
    programs.add("squeue", 'echo "1_0|RUNNING|n|$([ "$SLURM_TIME_FORMAT" = %s ] && echo 7)|||x"')

    assert [job.start for job in system_called("slurm").queue()] == [7.0]

    [call] = programs.calls("squeue")
    assert "--array " in call


def test_slurm_takes_a_path_as_it_is():
    found = system_called("slurm").fields(replace(MUCH, logs="/my/50%a"))

    assert found["logs"] == ("/my/50%%a/%A_%a.log",)


def test_a_description_has_no_macros_of_a_path():
    system = system_called("htcondor")

    assert system.fields(replace(MUCH, logs="/my $(x)"))["logs"] == (
        "/my $(DOLLAR)(x)/$(Cluster).$(Process).log",
    )


@pytest.mark.parametrize("name", ["slurm", "sge", "pbs", "lsf", "htcondor"])
@pytest.mark.parametrize("odd", ['"', "\\", "\n", "\r", "\udcff"])
def test_a_path_that_a_head_has_no_place_for_is_refused(name, odd):
    with pytest.raises(BatchError, match="rename it"):
        system_called(name).fields(replace(MUCH, logs=f"/scratch/a{odd}b"))


@pytest.mark.parametrize(
    "terms", [{"raw": ("--comment=a\n#x",)}, {"account": "a\nb"}, {"partition": "a\nb"}]
)
@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_an_option_that_would_be_cut_in_two_is_refused(name, terms):
    with pytest.raises(OptionError, match="an option of the batch system has one line"):
        system_called(name).fields(replace(MUCH, **terms))


@pytest.mark.parametrize("name", SCRIPTS)
def test_words_of_several_lines_are_no_lines_of_a_script(name):
    words = ("execute", "a\n#$ -N x\n#CONDOR queue 1000\n#BSUB -J 'x' \\n\n$(touch pwned)\n")
    found = script(name, replace(MUCH, words=words, folder="/a\n#PBS b"))

    lines = found.splitlines()
    assert not [line for line in lines if line in ("#$ -N x", "#CONDOR queue 1000", "#PBS b'")]
    shown = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {lines[-1].partition(' -m jug ')[2]}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split("\0")[:-1] == [*words]


def test_what_is_refused_leaves_the_words_of_the_batch_system(programs, tmp_path):
    programs.add("qsub", "echo 'Unable to run job: no such parallel environment.' >&2; exit 1")

    with pytest.raises(BatchError, match="qsub says: Unable to run job: no such parallel"):
        system_called("sge").submit(tmp_path / "script.sh", {})


def test_a_program_that_does_not_answer_is_not_waited_for(programs):
    programs.add("squeue", "sleep 30")

    with pytest.raises(BatchError, match="squeue did not answer within 0.1 s"):
        system_called("slurm").queue(0.1)


CANCELLED = {
    "slurm": ("scancel", "12_3", "12"),
    "sge": ("qdel", "12_3", "12"),
    "pbs": ("qdel", "12[3].head", "12[].head"),
    "lsf": ("bkill", "12_3", "12"),
    "htcondor": ("condor_rm", "12.3", "12"),
    "kubernetes": ("kubectl", "jug-seg-x4-abcde-3-8bd2k", "delete jobs jug-seg-x4-abcde"),
}


@pytest.mark.parametrize("name", CANCELLED)
def test_arrays_are_cancelled_as_a_whole(name, programs):
    program, job, said = CANCELLED[name]
    programs.add(program)
    system = system_called(name)

    system.cancel([system.array_of(job)])

    assert programs.calls(program) == [said]


@pytest.mark.parametrize(
    ("there", "name"),
    [
        (["sbatch", "squeue"], "slurm"),
        (["qsub", "qstat", "qconf"], "sge"),
        (["qsub", "qstat", "qselect"], "pbs"),
        (["bsub", "bjobs"], "lsf"),
        (["condor_submit", "condor_q"], "htcondor"),
        (["qsub", "qselect", "sbatch", "squeue"], "slurm"),
    ],
)
def test_a_batch_system_is_found_by_its_programs(there, name, programs):
    for program in there:
        programs.add(program)

    assert find_system().name == name


def test_kubernetes_must_be_asked_for(programs):
    programs.add("kubectl")

    assert find_system() is None


def test_a_script_for_another_batch_system_is_not_submitted(tmp_path):
    system = system_called("print")

    assert not system.can_submit()
    for refused in (lambda: system.submit(tmp_path, {}), system.queue, lambda: system.cancel([])):
        with pytest.raises(BatchError):
            refused()
