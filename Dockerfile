# The server's image: build in one stage, run in another, as nobody in particular.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /venv
COPY . .
RUN /venv/bin/pip install --no-cache-dir ".[server,postgresql]"

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home tenprint \
    && install -d -o tenprint -g tenprint -m 0700 /var/lib/tenprint
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TENPRINT_LISTEN=0.0.0.0:50051 \
    TENPRINT_METRICS_LISTEN=0.0.0.0:9464 \
    TENPRINT_DATABASE_URL=sqlite:////var/lib/tenprint/tenprint.db
VOLUME /var/lib/tenprint
USER 10001
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["tenprint", "galleries", "--timeout", "4"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tenprint", "serve"]
