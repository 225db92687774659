"""Kubernetes: an Indexed Job.

Its pods have no folder in common, so the store is a server, whose URL comes from a secret and
stands nowhere else.  What jug's exit status says is put to use: after a failure of the user's
or a wrong command (1, 2) a pod is not started again; when it lost its node, it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Any, Final

from jug.batch.programs import PATIENCE, call, json_in, understood
from jug.batch.request import Request
from jug.batch.systems.system import QueuedJob, System
from jug.batch.templates import Fields
from jug.errors import OptionError

_MANIFEST: Final = """\
apiVersion: batch/v1
kind: Job
metadata:
  generateName: {{name}}-
  labels: {app.kubernetes.io/managed-by: jug, app.kubernetes.io/instance: {{name}}}
spec:
  completionMode: Indexed
  completions: {{jobs}}
  parallelism: {{jobs}}
  backoffLimitPerIndex: 5
  maxFailedIndexes: {{jobs}}
  podReplacementPolicy: Failed
  podFailurePolicy:
    rules:
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget, status: "True"}]
      - action: FailIndex
        onExitCodes: {containerName: worker, operator: In, values: [1, 2]}
  template:
    metadata:
      labels: {app.kubernetes.io/managed-by: jug, app.kubernetes.io/instance: {{name}}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: worker
          image: {{image}}
          command: {{command}}
          env:
            - {name: JUG_JUGDIR, valueFrom: {secretKeyRef: {name: {{secret}}, key: url}}}
            - {name: OMP_NUM_THREADS, value: "1"}
            - {{environment}}
          resources:
            requests:
              cpu: {{cpus}}
              memory: {{memory}}Mi
            limits:
              memory: {{memory}}Mi
              nvidia.com/gpu: {{gpus}}
"""

_ID: Final = re.compile(r"job\.batch/(\S+) created")
_LABEL: Final = "app.kubernetes.io/instance"


class Kubernetes(System):
    """Kubernetes, by kubectl where that is there, else by a manifest that is printed."""

    name = "kubernetes"
    title = "Kubernetes"
    template = _MANIFEST
    suffix = ".yaml"
    between = "---\n"
    needed = ("name", "jobs")
    sees_files = False

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say."""
        if not request.image:
            raise OptionError("pods need an image with jug and the jugfile: name one by --image")
        if request.raw or request.setup:
            raise OptionError(
                "a manifest has no place for --setup or for options behind --: "
                "write a --template, to which --print-template is a beginning"
            )
        first, *rest = request.words
        words = ["jug", first, "--for", f"{request.seconds}s", *rest]
        return {
            **super().fields(request),
            "image": (_flow(request.image),),
            "secret": (_flow(request.secret),),
            "command": (_flow([_plain(word) for word in words]),),
            "environment": tuple(
                _flow({"name": name, "value": _plain(value)})
                for name, value in request.variables.items()
                if name != "JUG_JUGDIR"
            ),
        }

    def can_submit(self) -> bool:
        """Return whether kubectl is here."""
        return which("kubectl") is not None

    def most_at_once(self) -> int:
        """Return how many pods one Job may have."""
        return 10_000

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Create the Job of a manifest; return its name."""
        found = _ID.search(call("kubectl", "create", "--filename", str(script)))
        return found[1] if found else ""

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the pods of jug's that wait or run."""
        said = call(
            "kubectl", "get", "pods", "--selector", "app.kubernetes.io/managed-by=jug",
            "--output", "json", seconds=seconds,
        )  # fmt: skip
        phases = ("Pending", "Running")
        with understood("kubectl"):
            pods = json_in(said)["items"]
            return [_queued(pod) for pod in pods if pod["status"].get("phase") in phases]

    def array_of(self, job: str) -> str:
        """Return the name of the Job that a pod is of.

        >>> Kubernetes().array_of("jug-seg-0123abcd-x4-tq2xw-3-8bd2k")
        'jug-seg-0123abcd-x4-tq2xw'
        """
        return job.rsplit("-", 2)[0]

    def cancel(self, arrays: Iterable[str]) -> None:
        """Delete Jobs, by their names."""
        call("kubectl", "delete", "jobs", *arrays)


def _flow(value: Any) -> str:
    """Return a value as it stands in a manifest."""
    return json.dumps(value, ensure_ascii=False)


def _plain(word: str) -> str:
    """Return a word in which Kubernetes puts no variable.

    >>> _plain("$(JUG_JUGDIR)")
    '$$(JUG_JUGDIR)'
    """
    return word.replace("$", "$$")


def _queued(pod: dict[str, Any]) -> QueuedJob:
    about, status = pod["metadata"], pod["status"]
    return QueuedJob(
        id=about["name"],
        name=about.get("labels", {}).get(_LABEL, ""),
        is_running=status["phase"] == "Running",
        said=status["phase"].lower(),
        place=pod.get("spec", {}).get("nodeName", ""),
        start=_moment(status.get("startTime", "")),
    )


def _moment(said: str) -> float:
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        return 0.0
