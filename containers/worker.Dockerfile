# A worker in a container: `jug`, with what it needs for any store, and nothing else.
#
#   docker build -t jug-worker -f containers/worker.Dockerfile .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" jug-worker execute primes.py
#
# What your jugfiles import is added by an image of your own, built on it:
#
#   FROM jug-worker
#   USER root
#   RUN pip install --no-cache-dir scikit-image
#   USER 65534:65534
#
# `docker stop` has it give its tasks back at once, for others to take; `docker kill --signal USR1`
# has it finish them first, and begin no other.  Where tasks leave processes behind, `--init`
# starts one that sees to their ends.

FROM python:3.13-slim AS wheels
COPY packages /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source/*

FROM python:3.13-slim
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --root-user-action=ignore /wheels/*.whl && jug --version
# The log of `docker logs` shows a line when it is written, and home is a folder for everybody.
ENV PYTHONUNBUFFERED=1 HOME=/tmp
USER 65534:65534
WORKDIR /work
# No shell before it: signals go to the first process, and that is jug.
ENTRYPOINT ["jug"]
CMD ["--help"]
