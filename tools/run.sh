#!/usr/bin/env bash
# `make run`: the server of the demo in the foreground, until Ctrl-C, with how to connect.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/playground.sh

make_playground || exit 1
cat <<TEXT
The zone example.com is served from $play/example.com.zone. In another terminal:

  $programs/dnspush watch _ipp._tcp.example.com PTR --server 127.0.0.1@$tls_port --tls-ca $play/ca.pem

  kdig @127.0.0.1 -p $dns_port printer.example.com
  nsupdate -y $key <<< \$'server 127.0.0.1 $dns_port\nzone example.com\nupdate add _ipp._tcp.example.com 120 PTR New._ipp._tcp.example.com\nsend'

  edit $play/example.com.zone, then: kill -HUP PID (the number that the next line begins with)

Ctrl-C ends it and removes the folder.

TEXT
"$programs/dnspushd" -c "$play/dnspushd.yaml" &
pid=$!
echo "$pid is the PID of dnspushd"
wait "$pid"
