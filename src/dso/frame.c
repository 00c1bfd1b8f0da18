#include "dso/frame.h"

#include "base/bytes.h"

void dso_frames_init(struct dso_frames *f)
{
	*f = (struct dso_frames){0};
	buf_init(&f->in, 0);
}

void dso_frames_done(struct dso_frames *f)
{
	buf_done(&f->in);
	f->early_len = 0;
}

int dso_frames_feed(struct dso_frames *f, const uint8_t *data, size_t len, bool early, uint64_t now_ms)
{
	if (buf_len(&f->in) == 0) {
		f->begun_ms = now_ms;
	}
	int err = buf_append(&f->in, data, len);
	if (err) {
		return err;
	}
	if (early) {
		f->early_len = buf_len(&f->in);
	}
	return 0;
}

bool dso_frames_peek(const struct dso_frames *f, const uint8_t **ret_message, size_t *ret_len)
{
	struct bytes_reader r;
	bytes_reader_init(&r, buf_data(&f->in), buf_len(&f->in));
	size_t len = bytes_u16(&r);
	const uint8_t *message = bytes_take(&r, len);
	if (!message) {
		return false;
	}
	*ret_message = message;
	*ret_len = len;
	return true;
}

bool dso_frames_is_early(const struct dso_frames *f)
{
	return f->early_len > 0;
}

void dso_frames_drop(struct dso_frames *f, uint64_t now_ms)
{
	const uint8_t *message;
	size_t len;
	if (!dso_frames_peek(f, &message, &len)) {
		return;
	}
	size_t whole = DSO_FRAME_PREFIX_LEN + len;
	f->early_len -= f->early_len < whole ? f->early_len : whole;
	f->begun_ms = now_ms;
	buf_consume(&f->in, whole);
}

bool dso_frames_is_partial(const struct dso_frames *f)
{
	const uint8_t *message;
	size_t len;
	return buf_len(&f->in) > 0 && !dso_frames_peek(f, &message, &len);
}
