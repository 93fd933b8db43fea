# What serving needs, and nothing else. docs/operate/install.md says how it is run.
# Pin it as packages are: `docker buildx imagetools inspect python:3.11-slim` says today's digest, and
# `--build-arg BASE=python:3.11-slim@sha256:…` builds on it. None is written here: who wrote this file
# had no registry to ask, and one that nobody has run is no pin.
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
# requirements-broker.txt where JOBS_BROKER is set, requirements-dicom.txt where pictures come from an
# archive or go to one.
ARG REQUIREMENTS=requirements-serve.txt
WORKDIR /build
COPY requirements-serve.txt requirements-broker.txt requirements-dicom.txt requirements-train.txt \
    deploy/sbom.py ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r ${REQUIREMENTS} \
    && python sbom.py ${REQUIREMENTS} > /venv/sbom.cdx.json

FROM build AS build-lab
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-train.txt \
    && python sbom.py requirements-train.txt > /venv/sbom.cdx.json

FROM ${BASE} AS program
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production
# /data is for an installation without MongoDB: INSTANCE_DIR=/data, on a volume.
# /backups is for the files of `backup`, on another one.
RUN useradd --system --uid 10001 --no-create-home skinapi \
    && install --directory --owner=skinapi --mode=0700 /data /backups
WORKDIR /app
COPY LICENSE gunicorn.conf.py wsgi.py ./
COPY skinapi ./skinapi
# Nobody else may write here, so each start would compile every module again.
RUN python -m compileall -q skinapi
USER skinapi

# A worker of the lab: `docker build --target lab`.
FROM program AS lab
COPY --from=build-lab /venv /venv
CMD ["python", "-m", "skinapi", "worker"]

FROM program AS server
COPY --from=build /venv /venv
EXPOSE 5000
# Whether the process answers; ask /readyz for a load balancer. A restart cures no lost database.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '5000')}/healthz\", timeout=4)"]
CMD ["gunicorn", "wsgi:app"]
