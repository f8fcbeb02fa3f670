# One image for every service: migrate, runners, dbt, page. docs/deploy.md says how to run it.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/image.txt requirements/data.txt /tmp/requirements/
# Versions and hashes of the lock, nothing resolved here; the data packages are read as files only.
RUN /opt/venv/bin/pip install --no-deps --require-hashes -r /tmp/requirements/image.txt \
    && /opt/venv/bin/pip install --no-deps --require-hashes -r /tmp/requirements/data.txt
COPY . /app
# Editable, since the desk reads db/, dbt/ and configs/ beside its modules.
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation -e /app \
    && /opt/venv/bin/python -m compileall -q /app/backdesk /app/runners /app/strategies /app/streamlit_app

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home backdesk
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# Everything worth keeping is in the database; what dbt writes beside it may go with the container.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 BACKDESK_HOME=/tmp/backdesk HOME=/tmp
# A new volume takes its owner from here.
RUN install -d -o backdesk /app/results
WORKDIR /app
USER backdesk
# Ctrl-C is what lets a runner finish what it has begun; a second one gives it back.
STOPSIGNAL SIGINT
ENTRYPOINT ["/app/deploy/entrypoint.sh"]
CMD ["work"]
