# What serving needs, and nothing else. docs/operate/install.md says how it is run.
FROM python:3.11-slim AS build
# requirements-broker.txt where JOBS_BROKER is set, requirements-dicom.txt where pictures come from an
# archive or go to one.
ARG REQUIREMENTS=requirements-serve.txt
WORKDIR /build
COPY requirements-serve.txt requirements-broker.txt requirements-dicom.txt requirements.txt \
    deploy/sbom.py ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r ${REQUIREMENTS} \
    && python sbom.py ${REQUIREMENTS} > /venv/sbom.cdx.json

FROM build AS build-lab
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && python sbom.py requirements.txt > /venv/sbom.cdx.json

FROM python:3.11-slim AS program
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
