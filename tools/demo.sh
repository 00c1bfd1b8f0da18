#!/usr/bin/env bash
# `make demo`: dnspush alive in a minute. Starts a server, follows names, makes real changes, shows each as it arrives.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/playground.sh

echo "dnspush demo: a server on 127.0.0.1 with examples/example.com.zone and a throw-away CA"
make_playground && start_server || exit 1
echo "  dnspushd serves DNS on 127.0.0.1@$dns_port and DNS Push over TLS on 127.0.0.1@$tls_port"
/usr/bin/python3 tools/demo.py "$programs/dnspush" "$play" "$dns_port" "$tls_port" "$key" "$pid"
