# A dnspushd on loopback with the example zone and a throw-away CA, for `make demo` and `make run`. To be sourced.
# Sets: play (folder), programs (folder of dnspushd and dnspush), dns_port, tls_port, http_port, key, pid.

programs=$(cd "${DNSPUSH_BUILD:-build}" && pwd)
key=hmac-sha256:demo-key:ZG5zcHVzaCBkZW1vIGtleSwgbm90IGEgc2VjcmV0ISE=

# A free port of 127.0.0.1, from $1 on.
free_port() {
	local port=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	echo "$port"
}

make_certificates() {
	(
		cd "$play"
		umask 077
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=dnspush demo CA" \
			-keyout ca.key -out ca.pem
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=ns1.example.com" \
			-keyout server.key -out server.csr
		printf 'subjectAltName=DNS:ns1.example.com,DNS:localhost,IP:127.0.0.1\n' >server.ext
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -extfile server.ext -out server.pem
	) >"$play/openssl.log" 2>&1 || {
		cat "$play/openssl.log" >&2
		return 1
	}
}

write_configuration() {
	cp examples/example.com.zone "$play/example.com.zone"
	(
		umask 077
		cat >"$play/dnspushd.yaml" <<-YAML
			server:
			  state-dir: .
			  control: control.sock
			listen:
			  dns: ["127.0.0.1@$dns_port"]
			  tls: ["127.0.0.1@$tls_port"]
			tls:
			  certificate: server.pem
			  key: server.key
			keys:
			  - {name: demo-key, algorithm: hmac-sha256, secret: "${key##*:}"}
			zones:
			  - zone: example.com
			    file: example.com.zone
			    update: [{key: demo-key}]
		YAML
	)
}

# Ends what was started, by its pid, and removes the folder.
clean_up() {
	if [ -n "${pid:-}" ]; then
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	fi
	rm -rf "$play"
}

# Everything but the server itself.
make_playground() {
	play=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	dns_port=$(free_port 5300)
	tls_port=$(free_port 8853)
	make_certificates && write_configuration
}

# Start the server in the background and wait until it says that it is ready.
start_server() {
	mkfifo "$play/log.fifo"
	"$programs/dnspushd" -c "$play/dnspushd.yaml" 2>"$play/log.fifo" &
	pid=$!
	exec 4<"$play/log.fifo"
	while IFS= read -r line <&4; do
		case $line in
		*event=ready*)
			cat <&4 >"$play/dnspushd.log" &
			return 0
			;;
		esac
		echo "$line" >&2
	done
	echo "dnspushd did not start; see above" >&2
	return 1
}
