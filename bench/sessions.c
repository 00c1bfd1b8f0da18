/*
 * Many Push sessions over TLS, one subscription each, all to one name: what they
 * cost the server in memory, and how long a change takes to reach each of them.
 *
 *	sessions ADDRESS TLS-PORT DNS-PORT PID COUNT ROUNDS
 *
 * PID is the server's, whose resident memory is read between the steps. A round
 * is an UPDATE over UDP that gives the name another address; a session's latency
 * is from sending it to having read the PUSH. Prints one JSON object.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER_LEN = 12,
	FRAME_MAX = 65535 + 2,
	INPUT_MAX = 4096, /* a PUSH of one record is far smaller */
	TYPE_A = 1,
	TYPE_SOA = 6,
	CLASS_IN = 1,
	CLASS_ANY = 255,
	TLV_SUBSCRIBE = 0x40,
	TLV_PUSH = 0x41,
	ROUND_TIMEOUT_MS = 5000,
	EVENTS_MAX = 256,
};

#define ZONE "\005bench\007example"
static const uint8_t zone_name[] = ZONE;
static const uint8_t pushed_name[] = "\006pushed" ZONE;

struct session {
	SSL *ssl;
	uint8_t input[INPUT_MAX];
	size_t len;
	unsigned round; /* the last one that it has heard of */
};

static const char *address;
static in_port_t tls_port, dns_port;
static long server_pid;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Resident memory of the server in bytes. */
static double server_memory(void)
{
	char path[64];
	long pages = 0;
	snprintf(path, sizeof(path), "/proc/%ld/statm", server_pid);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%*s %ld", &pages) != 1) {
		err(1, "%s", path);
	}
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int connect_to(int type, in_port_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type, 0);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errx(2, "%s: not an IPv4 address", address);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		err(1, "connecting to %s port %u", address, port);
	}
	return fd;
}

/* ---- messages ---- */

static uint8_t *put_u16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
	return p + 2;
}

static uint8_t *put_header(uint8_t *p, unsigned id, unsigned flags, const unsigned counts[4])
{
	p = put_u16(put_u16(p, id), flags);
	for (size_t i = 0; i < 4; i++) {
		p = put_u16(p, counts[i]);
	}
	return p;
}

static uint8_t *put_name(uint8_t *p, const uint8_t *name, size_t len, unsigned type, unsigned class)
{
	memcpy(p, name, len);
	return put_u16(put_u16(p + len, type), class);
}

/* A framed SUBSCRIBE. Gives its length. */
static size_t make_subscribe(uint8_t *frame)
{
	static const unsigned none[4];
	uint8_t *p = put_header(frame + 2, 1, 6 << 11, none);
	p = put_u16(put_u16(p, TLV_SUBSCRIBE), sizeof(pushed_name) + 4);
	p = put_name(p, pushed_name, sizeof(pushed_name), TYPE_A, CLASS_IN);
	put_u16(frame, (unsigned)(p - frame - 2));
	return (size_t)(p - frame);
}

static void round_rdata(unsigned round, uint8_t rdata[6])
{
	memcpy(rdata, (uint8_t[]){0, 4, 10, 1, (uint8_t)(round >> 8), (uint8_t)round}, 6);
}

/* An UPDATE that puts the round's address in the place of the last one. */
static size_t make_update(uint8_t *message, unsigned round)
{
	static const unsigned counts[4] = {1, 0, 2, 0};
	static const uint8_t ttl_delete[6], ttl_add[4] = {0, 0, 0, 60};
	uint8_t *p = put_header(message, round, 5 << 11, counts);
	p = put_name(p, zone_name, sizeof(zone_name), TYPE_SOA, CLASS_IN);
	p = put_name(p, pushed_name, sizeof(pushed_name), TYPE_A, CLASS_ANY);
	p = mempcpy(p, ttl_delete, sizeof(ttl_delete));
	p = put_name(p, pushed_name, sizeof(pushed_name), TYPE_A, CLASS_IN);
	p = mempcpy(p, ttl_add, sizeof(ttl_add));
	round_rdata(round, p);
	return (size_t)(p + 6 - message);
}

/* ---- sessions ---- */

static void open_session(struct session *s, SSL_CTX *tls)
{
	int one = 1;
	int fd = connect_to(SOCK_STREAM, tls_port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->ssl = SSL_new(tls);
	if (!s->ssl || !SSL_set_fd(s->ssl, fd) || SSL_connect(s->ssl) != 1) {
		errx(1, "TLS handshake failed");
	}
}

/* Read what there is. False when reading would block. */
static bool fill(struct session *s)
{
	if (s->len == sizeof(s->input)) {
		errx(1, "a longer message than there should be");
	}
	int len = SSL_read(s->ssl, s->input + s->len, (int)(sizeof(s->input) - s->len));
	if (len > 0) {
		s->len += (size_t)len;
	} else if (SSL_get_error(s->ssl, len) != SSL_ERROR_WANT_READ) {
		errx(1, "the server ended a session");
	}
	return len > 0;
}

/* Length of the whole message that is there first, or 0. It begins at input + 2. */
static size_t first_message(const struct session *s)
{
	size_t len = s->len >= 2 ? (size_t)s->input[0] << 8 | s->input[1] : SIZE_MAX - 2;
	return s->len >= len + 2 ? len : 0;
}

static void drop_message(struct session *s, size_t len)
{
	s->len -= len + 2;
	memmove(s->input, s->input + len + 2, s->len);
}

static bool is_push(const uint8_t *message, size_t len)
{
	return len > HEADER_LEN + 2 && !(message[2] & 0x80) && message[HEADER_LEN + 1] == TLV_PUSH;
}

/* Subscribe and wait for the response and the first PUSH, with what is there. */
static void subscribe(struct session *s)
{
	uint8_t frame[128];
	bool answered = false, pushed = false;
	int len = (int)make_subscribe(frame);
	if (SSL_write(s->ssl, frame, len) != len) {
		errx(1, "SUBSCRIBE not sent");
	}
	while (!(answered && pushed)) {
		size_t message_len = first_message(s);
		if (message_len == 0) {
			fill(s);
			continue;
		}
		const uint8_t *message = s->input + 2;
		if (message[2] & 0x80) {
			if (message[3] & 15) {
				errx(1, "SUBSCRIBE refused: RCODE %d", message[3] & 15);
			}
			answered = true;
		}
		pushed = pushed || is_push(message, message_len);
		drop_message(s, message_len);
	}
}

/* Has the session heard of the round by now? */
static bool hears(struct session *s, unsigned round)
{
	uint8_t rdata[6];
	round_rdata(round, rdata);
	while (fill(s)) {
		for (size_t len; (len = first_message(s)) > 0; drop_message(s, len)) {
			if (is_push(s->input + 2, len) && memmem(s->input + 2, len, rdata, sizeof(rdata))) {
				s->round = round;
			}
		}
	}
	return s->round == round;
}

/* ---- rounds ---- */

static void watch_all(int epoll, struct session *sessions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int fd = SSL_get_fd(sessions[i].ssl);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sessions[i]};
		if (fcntl(fd, F_SETFL, O_NONBLOCK) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
			err(1, "watching a session");
		}
	}
}

/* One change; a latency in ns for each session. */
static void run_round(int epoll, int udp, unsigned round, size_t count, uint64_t *latencies)
{
	uint8_t message[512];
	struct epoll_event events[EVENTS_MAX];
	size_t heard = 0;
	size_t len = make_update(message, round);
	uint64_t start = now_ns();

	if (send(udp, message, len, 0) != (ssize_t)len) {
		err(1, "UPDATE not sent");
	}
	while (heard < count) {
		int ready = epoll_wait(epoll, events, EVENTS_MAX, ROUND_TIMEOUT_MS);
		if (ready <= 0) {
			errx(1, "round %u: only %zu of %zu sessions heard of it", round, heard, count);
		}
		for (int i = 0; i < ready; i++) {
			struct session *s = events[i].data.ptr;
			if (s->round != round && hears(s, round)) {
				latencies[heard++] = now_ns() - start;
			} else {
				fill(s);
			}
		}
	}
	if (recv(udp, message, sizeof(message), 0) < HEADER_LEN || (message[3] & 15) != 0) {
		errx(1, "UPDATE refused");
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static double ms_at(const uint64_t *sorted, size_t count, double share)
{
	return (double)sorted[(size_t)((double)(count - 1) * share)] / 1e6;
}

static SSL_CTX *make_tls(void)
{
	static const uint8_t alpn[] = "\003dot";
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	/* What is measured is the server; who it is does not matter on loopback. */
	if (!tls || SSL_CTX_set_alpn_protos(tls, alpn, sizeof(alpn) - 1)) {
		errx(1, "TLS is not to be had");
	}
	return tls;
}

static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: sessions ADDRESS TLS-PORT DNS-PORT PID COUNT ROUNDS\n");
		return 2;
	}
	address = argv[1];
	tls_port = (in_port_t)atoi(argv[2]);
	dns_port = (in_port_t)atoi(argv[3]);
	server_pid = atol(argv[4]);
	size_t count = strtoul(argv[5], NULL, 10);
	unsigned rounds = (unsigned)atoi(argv[6]);
	if (count == 0 || rounds == 0 || rounds > UINT16_MAX) {
		errx(2, "COUNT and ROUNDS are at least 1");
	}
	raise_file_limit();
	SSL_CTX *tls = make_tls();
	struct session *sessions = calloc(count, sizeof(*sessions));
	uint64_t *latencies = calloc(count * rounds, sizeof(*latencies));
	int epoll = epoll_create1(0);
	int udp = connect_to(SOCK_DGRAM, dns_port);
	if (!sessions || !latencies || epoll < 0) {
		errx(1, "out of memory");
	}

	double memory_before = server_memory();
	uint64_t start = now_ns();
	for (size_t i = 0; i < count; i++) {
		open_session(&sessions[i], tls);
	}
	double connect_ms = (double)(now_ns() - start) / 1e6;
	double memory_connected = server_memory();
	for (size_t i = 0; i < count; i++) {
		subscribe(&sessions[i]);
	}
	double memory_subscribed = server_memory();

	watch_all(epoll, sessions, count);
	double last_ms = 0;
	for (unsigned round = 1; round <= rounds; round++) {
		uint64_t *of_round = latencies + (round - 1) * count;
		run_round(epoll, udp, round, count, of_round);
		last_ms += (double)of_round[count - 1] / 1e6 / rounds;
	}
	qsort(latencies, count * rounds, sizeof(*latencies), compare_u64);
	printf("{\"sessions\": %zu, \"rounds\": %u, \"connect_ms\": %.3f, \"session_bytes\": %.0f, "
	       "\"subscription_bytes\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"all_ms\": %.3f}\n",
	       count, rounds, connect_ms, (memory_connected - memory_before) / (double)count,
	       (memory_subscribed - memory_connected) / (double)count, ms_at(latencies, count * rounds, 0.5),
	       ms_at(latencies, count * rounds, 0.99), last_ms);
	return 0;
}
