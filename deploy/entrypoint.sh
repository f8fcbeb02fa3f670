#!/bin/sh
# What the image's containers start: `migrate` once, then `backdesk` with any of its commands.
#
# Secrets come as files: DATABASE_PASSWORD_FILE for the address in DATABASE_URL, and for `migrate` also
# RUNNER_PASSWORD_FILE, REFRESH_PASSWORD_FILE and PAGE_PASSWORD_FILE, those of the other services' logins.
set -eu

if [ "${1:-}" = migrate ]; then
    backdesk up --wait "${DATABASE_WAIT_SECONDS:-60}"
    if [ -n "${RUNNER_PASSWORD_FILE:-}" ]; then
        backdesk login backdesk_runner --role runner --password-file "$RUNNER_PASSWORD_FILE"
    fi
    # The only one that may change what people read; the other runners need not be trusted with it.
    if [ -n "${REFRESH_PASSWORD_FILE:-}" ]; then
        backdesk login backdesk_refresh --role runner --role dbt --password-file "$REFRESH_PASSWORD_FILE"
    fi
    if [ -n "${PAGE_PASSWORD_FILE:-}" ]; then
        backdesk login backdesk_page --role viewer --role director --password-file "$PAGE_PASSWORD_FILE"
    fi
    if [ "${LOAD_SAMPLE:-no}" = yes ]; then
        backdesk load sample
    fi
    exit 0
fi
exec backdesk "$@"
