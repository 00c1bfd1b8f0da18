/*
 * Error codes of the whole project: 0 is success, every failure is negative.
 *
 * One list yields code, name, class and text. The class says whose fault it
 * is and so what a caller does: a local failure ends the operation, a refusal
 * is answered with an RCODE, broken protocol aborts the session.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_class {
	ERR_CLASS_NONE,     /* not an error */
	ERR_CLASS_LOCAL,    /* this process could not do it */
	ERR_CLASS_REFUSED,  /* the peer asked for something it does not get: answer an RCODE */
	ERR_CLASS_PROTOCOL, /* the peer broke the protocol or sent malformed data */
};

/* X(name, number, class, text) */
#define ERR_LIST(X)                                                                                                    \
	X(ERR_NOMEM, -1, ERR_CLASS_LOCAL, "out of memory")                                                             \
	X(ERR_SPACE, -2, ERR_CLASS_LOCAL, "does not fit into the space given")                                         \
	X(ERR_SYSTEM, -3, ERR_CLASS_LOCAL, "the operating system refused")                                             \
	X(ERR_LIMIT, -4, ERR_CLASS_LOCAL, "a configured limit is reached")                                             \
	X(ERR_INVALID, -5, ERR_CLASS_LOCAL, "invalid argument or value")                                               \
	X(ERR_NOT_FOUND, -6, ERR_CLASS_LOCAL, "not found")                                                             \
	X(ERR_EXISTS, -7, ERR_CLASS_LOCAL, "exists already")                                                           \
	X(ERR_AGAIN, -8, ERR_CLASS_LOCAL, "not possible yet, try again")                                               \
	X(ERR_CLOSED, -9, ERR_CLASS_LOCAL, "the connection is closed")                                                 \
	X(ERR_TLS, -10, ERR_CLASS_LOCAL, "TLS failed")                                                                 \
	X(ERR_STATE, -11, ERR_CLASS_LOCAL, "not allowed in this state")                                                \
	X(ERR_CONFIG, -12, ERR_CLASS_LOCAL, "the configuration is faulty")                                             \
	X(ERR_SYNTAX, -13, ERR_CLASS_LOCAL, "the text is not well formed")                                             \
	X(ERR_TIMEOUT, -14, ERR_CLASS_LOCAL, "timed out")                                                              \
	X(ERR_FORMERR, -101, ERR_CLASS_REFUSED, "malformed request (FORMERR)")                                         \
	X(ERR_SERVFAIL, -102, ERR_CLASS_REFUSED, "server failure (SERVFAIL)")                                          \
	X(ERR_NXDOMAIN, -103, ERR_CLASS_REFUSED, "name does not exist (NXDOMAIN)")                                     \
	X(ERR_NOTIMP, -104, ERR_CLASS_REFUSED, "not implemented (NOTIMP)")                                             \
	X(ERR_REFUSED, -105, ERR_CLASS_REFUSED, "refused by policy (REFUSED)")                                         \
	X(ERR_YXDOMAIN, -106, ERR_CLASS_REFUSED, "name exists when it should not (YXDOMAIN)")                          \
	X(ERR_YXRRSET, -107, ERR_CLASS_REFUSED, "RRset exists when it should not (YXRRSET)")                           \
	X(ERR_NXRRSET, -108, ERR_CLASS_REFUSED, "RRset that should exist does not (NXRRSET)")                          \
	X(ERR_NOTAUTH, -109, ERR_CLASS_REFUSED, "not authoritative or not authorised (NOTAUTH)")                       \
	X(ERR_NOTZONE, -110, ERR_CLASS_REFUSED, "name is not in the zone (NOTZONE)")                                   \
	X(ERR_DSOTYPENI, -111, ERR_CLASS_REFUSED, "DSO type not implemented (DSOTYPENI)")                              \
	X(ERR_BADSIG, -116, ERR_CLASS_REFUSED, "TSIG signature failure (BADSIG)")                                      \
	X(ERR_BADKEY, -117, ERR_CLASS_REFUSED, "TSIG key not recognised (BADKEY)")                                     \
	X(ERR_BADTIME, -118, ERR_CLASS_REFUSED, "TSIG signature out of time window (BADTIME)")                         \
	X(ERR_BADTRUNC, -122, ERR_CLASS_REFUSED, "TSIG MAC truncated too much (BADTRUNC)")                             \
	X(ERR_TRUNCATED, -201, ERR_CLASS_PROTOCOL, "data ends too early")                                              \
	X(ERR_TRAILING, -202, ERR_CLASS_PROTOCOL, "data goes on past its end")                                         \
	X(ERR_LABEL, -203, ERR_CLASS_PROTOCOL, "bad label in a name")                                                  \
	X(ERR_POINTER, -204, ERR_CLASS_PROTOCOL, "bad compression pointer")                                            \
	X(ERR_NAME_LONG, -205, ERR_CLASS_PROTOCOL, "name longer than 255 bytes")                                       \
	X(ERR_RDATA, -206, ERR_CLASS_PROTOCOL, "rdata does not fit its type")                                          \
	X(ERR_PROTOCOL, -207, ERR_CLASS_PROTOCOL, "the peer broke the protocol")

enum err_code {
#define ERR_X(name, number, class, text) name = (number),
	ERR_LIST(ERR_X)
#undef ERR_X
};

/* Class of an error code; ERR_CLASS_NONE for 0 and unknown numbers. */
enum err_class err_class(int err);

/* "ERR_NOMEM" and the like; "OK" for 0. Static string. */
const char *err_name(int err);

/* One short phrase for people, lower case, no full stop. Static string. */
const char *err_text(int err);

/*
 * The DNS RCODE with which a server answers a request that failed with `err`:
 * the named one for refusals (BADSIG and its like give NOTAUTH, RFC 8945 5.3),
 * FORMERR for broken protocol, SERVFAIL for local failures, 0 for 0.
 */
unsigned err_rcode(int err);

#endif
