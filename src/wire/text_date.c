/*
 * Dates of signatures (RFC 4034 3.2), in the Gregorian calendar and UTC. The
 * C library is not asked, since it would read time zone files.
 */
#include "base/err.h"
#include "wire/token.h"

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t wire_date_parse(const char *text)
{
	static const unsigned before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	static const uint8_t starts[] = {0, 4, 6, 8, 10, 12, 14};
	uint64_t part[6];

	for (size_t i = 0; i < 6; i++) {
		if (wire_token_number(text + starts[i], starts[i + 1] - starts[i], 9999, &part[i])) {
			return -1;
		}
	}
	unsigned year = (unsigned)part[0];
	unsigned month = (unsigned)part[1];
	if (year < 1970 || month < 1 || month > 12 || part[3] > 23 || part[4] > 59 || part[5] > 60) {
		return -1;
	}
	unsigned leap_day = is_leap(year) && month > 2;
	unsigned month_days = before_month[month] - before_month[month - 1] + (is_leap(year) && month == 2);
	if (part[2] < 1 || part[2] > month_days) {
		return -1;
	}
	int64_t days = (int64_t)(year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	days += before_month[month - 1] + leap_day + (unsigned)part[2] - 1;
	return days * 86400 + (int64_t)(part[3] * 3600 + part[4] * 60 + part[5]);
}

void wire_date_put(uint32_t time, struct bytes_writer *out)
{
	uint32_t seconds = time % 86400;
	/* Days since 0000-03-01, so that the leap day is the last one of a year. */
	uint32_t days = time / 86400 + 719468;
	uint32_t era = days / 146097;
	uint32_t day_of_era = days % 146097;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month = (5 * day_of_year + 2) / 153; /* 0: March */
	uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;
	uint32_t year = era * 400 + year_of_era + (month >= 10);

	month = month < 10 ? month + 3 : month - 9;
	wire_text_printf(out, "%04u%02u%02u%02u%02u%02u", year, month, day, seconds / 3600, seconds / 60 % 60,
	                 seconds % 60);
}
