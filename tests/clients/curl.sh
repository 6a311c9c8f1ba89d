#!/usr/bin/env bash
# curl, with the options it is given: curl.sh [--http2]
set -euo pipefail
base="http://localhost:$PORT/secretsmanager/get?secretId="
get() { curl --silent --noproxy '*' --header "X-Aws-Parameters-Secrets-Token: $AWS_SESSION_TOKEN" "$@"; }
read_it() { [[ $(get "$@" "${base}example/plain") == *'"SecretString":"not-a-secret"'* ]]; }

read_it "$@"
read_it "$@"
[[ $(get "$@" --write-out '%{http_code}' "${base}missing") == "an unexpected error occurred while executing request"*400 ]]
[[ $(get "$@" --parallel --parallel-max 64 --output /dev/null --write-out '%{http_code}\n' "${base}example/plain&n=[1-64]" | sort | uniq -c | xargs) == "64 200" ]]
[[ $(get "$@" --output /dev/null --write-out '%{http_code}\n' "${base}example/plain&n=[1-200]" | sort | uniq -c | xargs) == "200 200" ]]
