# A worker in a container: `jug`, with what it needs for any store, and nothing else.
#
#   docker build -t jug-worker -f containers/worker.Dockerfile .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" jug-worker execute primes.py
#
# Build an image of your own on it, `FROM jug-worker`, to add what your jugfiles import.
# `docker stop` asks a worker to end: give it the time that a task takes, `-t 600`.

FROM python:3.13-slim AS wheels
COPY packages /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source/*

FROM python:3.13-slim
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir /wheels/*.whl && jug --version
# The log of `docker logs` shows a line when it is written, and home is a folder for everybody.
ENV PYTHONUNBUFFERED=1 HOME=/tmp
USER 65534:65534
WORKDIR /work
# The first process of a container gets no signal's default, so jug's own handlers must be it.
ENTRYPOINT ["jug"]
CMD ["--help"]
