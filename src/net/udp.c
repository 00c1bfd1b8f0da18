#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "net/stream.h"

enum {
	BATCH = 16,
	BATCHES = 4, /* a call: others of the loop have their turn too */
	DATAGRAM_MAX = 4096,
};

union control {
	size_t align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_udp_options(int fd, int family)
{
	/* IP_PKTINFO tells where a datagram came to. No datagram is to be fragmented by a forged path MTU. */
	if (family == AF_INET) {
		return set(fd, IPPROTO_IP, IP_PKTINFO, 1) | set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	}
	return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) | set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) |
	       set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

int net_bind_udp(const struct net_address *a, bool reuse_port)
{
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || (reuse_port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) ||
	    set_udp_options(fd, a->sa.sa_family) != 0 || bind(fd, &a->sa, a->len) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return ERR_SYSTEM;
	}
	return fd;
}

/* Where it came to; of no family if the kernel did not say. */
static void read_local(struct msghdr *header, struct net_address *ret_local)
{
	struct net_address local = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local.in.sin_family = AF_INET;
			local.in.sin_addr = info.ipi_addr;
			local.len = sizeof(local.in);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local.in6.sin6_family = AF_INET6;
			local.in6.sin6_addr = info.ipi6_addr;
			local.in6.sin6_scope_id = info.ipi6_ifindex;
			local.len = sizeof(local.in6);
		}
	}
	*ret_local = local;
}

/* Make the answer leave from `local`. */
static void write_local(struct msghdr *header, union control *control, const struct net_address *local)
{
	memset(control, 0, sizeof(*control));
	header->msg_control = NULL;
	header->msg_controllen = 0;
	if (local->sa.sa_family == AF_INET) {
		struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};

		header->msg_control = control;
		header->msg_controllen = sizeof(control->v4);
		struct cmsghdr *c = CMSG_FIRSTHDR(header);

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else if (local->sa.sa_family == AF_INET6) {
		struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr};

		/* Only a link-local address means nothing without its link; others may leave by another one. */
		if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
			info.ipi6_ifindex = local->in6.sin6_scope_id;
		}
		header->msg_control = control;
		header->msg_controllen = sizeof(control->v6);
		struct cmsghdr *c = CMSG_FIRSTHDR(header);

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

/* One batch in and its answers out; on the stack, as it is used only within one call. */
struct batch {
	struct mmsghdr in[BATCH];
	struct mmsghdr out[BATCH];
	struct iovec in_vec[BATCH];
	struct iovec out_vec[BATCH];
	union control in_control[BATCH];
	union control out_control[BATCH];
	struct net_address peer[BATCH];
	uint8_t in_data[BATCH][DATAGRAM_MAX];
	uint8_t out_data[BATCH][DATAGRAM_MAX];
};

static int receive(int fd, struct batch *b)
{
	int count;

	memset(b->in, 0, sizeof(b->in));
	for (size_t i = 0; i < BATCH; i++) {
		b->in_vec[i] = (struct iovec){.iov_base = b->in_data[i], .iov_len = DATAGRAM_MAX};
		b->in[i].msg_hdr = (struct msghdr){.msg_name = &b->peer[i].in6,
		                                   .msg_namelen = sizeof(b->peer[i].in6),
		                                   .msg_iov = &b->in_vec[i],
		                                   .msg_iovlen = 1,
		                                   .msg_control = &b->in_control[i],
		                                   .msg_controllen = sizeof(b->in_control[i])};
	}
	do {
		count = recvmmsg(fd, b->in, BATCH, 0, NULL);
	} while (count < 0 && errno == EINTR);
	return count;
}

/* Answers that the kernel does not take are lost, as datagrams may be; the client asks again. */
static void send_batch(int fd, struct batch *b, unsigned count)
{
	unsigned done = 0;

	while (done < count) {
		int sent = sendmmsg(fd, b->out + done, count - done, 0);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			/* This one cannot be sent; the others may. */
			done++;
		}
	}
}

void net_udp_serve(int fd, net_datagram_fn answer, void *context)
{
	struct batch b;

	for (int batch = 0; batch < BATCHES; batch++) {
		int count = receive(fd, &b);
		unsigned answers = 0;

		if (count <= 0) {
			return;
		}
		for (int i = 0; i < count; i++) {
			struct net_datagram d = {.data = b.in_data[i], .len = b.in[i].msg_len, .peer = b.peer[i]};

			if (b.in[i].msg_hdr.msg_flags & MSG_TRUNC) {
				continue;
			}
			d.peer.len = b.in[i].msg_hdr.msg_namelen;
			read_local(&b.in[i].msg_hdr, &d.local);
			size_t len = answer(context, &d, b.out_data[answers], DATAGRAM_MAX);

			if (len == 0) {
				continue;
			}
			b.out_vec[answers] = (struct iovec){.iov_base = b.out_data[answers], .iov_len = len};
			b.out[answers].msg_hdr = (struct msghdr){.msg_name = &b.peer[i].in6,
			                                         .msg_namelen = d.peer.len,
			                                         .msg_iov = &b.out_vec[answers],
			                                         .msg_iovlen = 1};
			write_local(&b.out[answers].msg_hdr, &b.out_control[answers], &d.local);
			answers++;
		}
		send_batch(fd, &b, answers);
		if (count < BATCH) {
			return;
		}
	}
}

int net_udp_send(int fd, const struct net_address *peer, const struct net_address *local, const uint8_t *data,
                 size_t len)
{
	union control control;
	struct iovec vec = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr header = {
	        .msg_name = (void *)&peer->in6, .msg_namelen = peer->len, .msg_iov = &vec, .msg_iovlen = 1};
	ssize_t sent;

	write_local(&header, &control, local);
	do {
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0) {
		return 0;
	}
	return errno == EAGAIN ? ERR_AGAIN : ERR_SYSTEM;
}
