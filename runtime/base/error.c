/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/error.c - names and phrases for what weft functions return.
 *
 * Our own range is a table; the rest is errno's, described by glibc's thread-safe,
 * untranslated strerrordesc_np. Counts and WEFT_PENDING are successes.
 */
#include <weft/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_text {
	int code;
	const char *name;
	const char *text;
};

#define TEXT(code, text) { code, #code, text }

static const struct error_text texts[] = {
	TEXT(WEFT_EINTERNAL, "an invariant of weft did not hold"),
	TEXT(WEFT_EMAXTURNS, "the run used up its turns"),
	TEXT(WEFT_EPARSE, "the text is not well-formed"),
	TEXT(WEFT_ESCHEMA, "the text does not match its schema"),
	TEXT(WEFT_ENOTOOL, "no tool of that name"),
	TEXT(WEFT_ENOMODEL, "no model handler of that type"),
	TEXT(WEFT_EMODEL, "every model handler failed"),
	TEXT(WEFT_ETOOL, "the tool failed"),
	TEXT(WEFT_ELOOP, "a tool loop was detected"),
	TEXT(WEFT_EBLOCKED, "an evaluator refused the message"),
	TEXT(WEFT_ESUPERSEDED, "a newer message took over"),
	TEXT(WEFT_ENOREPLY, "the receiver did not answer"),
	TEXT(WEFT_ELAGGED, "the reader fell behind and records were dropped"),
	TEXT(WEFT_ECONFIG, "the configuration is not valid"),
	TEXT(WEFT_EFAILED, "the actor failed"),
	TEXT(WEFT_EKILLED, "the actor was killed"),
	TEXT(WEFT_ERESTARTS, "too many restarts"),
	TEXT(WEFT_EDAMAGED, "stored data is damaged"),
	TEXT(WEFT_EVERSION, "stored in a format of another version"),
	TEXT(WEFT_ELOGFAILED, "the store's log failed and takes no more writes"),
	TEXT(WEFT_EHOSTNAME, "no host of that name"),
	TEXT(WEFT_ETLS, "TLS failed"),
	TEXT(WEFT_ECERT, "the certificate is not believed"),
	TEXT(WEFT_EPROXY, "the proxy refused to connect"),
	TEXT(WEFT_EBREAKER, "the endpoint failed too often and is not asked"),
	TEXT(WEFT_EOVERLOAD, "too much waits already"),
	TEXT(WEFT_EBUDGET, "the budget is spent"),
	TEXT(WEFT_ECUT, "the model used up its tokens"),
	TEXT(WEFT_EFILTERED, "the model's answer was refused or withheld"),
	TEXT(WEFT_EDENIED, "the call is not permitted"),
	TEXT(WEFT_EAPPROVAL, "the run waits for an approval"),
	TEXT(WEFT_EBROKEN, "the model's answer broke off"),
	TEXT(WEFT_EDIVERGED, "the run differs from the recorded one"),
};

static const struct error_text *find(int code)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].code == code)
			return &texts[i];
	}
	return NULL;
}

/* -code as errno, or 0 when it cannot be one; safe for INT_MIN. */
static int as_errno(int code)
{
	return code < 0 && code > WEFT_E_FIRST ? -code : 0;
}

const char *weft_strerror(int code)
{
	const struct error_text *own = find(code);
	const char *text = NULL;

	if (own)
		return own->text;
	if (code == WEFT_PENDING)
		return "success, or to be finished later";
	if (code >= 0)
		return "success";
	if (as_errno(code))
		text = strerrordesc_np(as_errno(code));
	return text ? text : "unknown error";
}

const char *weft_errname(int code)
{
	const struct error_text *own = find(code);
	const char *name = NULL;

	if (own)
		return own->name;
	if (code == 0)
		return "OK";
	if (code == WEFT_PENDING)
		return "WEFT_PENDING";
	if (as_errno(code))
		name = strerrorname_np(as_errno(code));
	return name ? name : "UNKNOWN";
}

/* A cut message must not end in half a UTF-8 character. */
static void trim_cut_character(char *text, size_t len_bytes)
{
	size_t at = len_bytes;
	unsigned lead;
	size_t want;

	while (at > 0 && len_bytes - at < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0)
		return;
	lead = (unsigned char)text[at - 1];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len_bytes - (at - 1) < want)
		text[at - 1] = '\0';
}

int weft_error_set(weft_error *err, int code, const char *fmt, ...)
{
	va_list args;
	int len;

	if (!err)
		return code;
	err->code = code;
	err->line = 0;
	err->column = 0;
	err->message[0] = '\0';
	va_start(args, fmt);
	len = vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	if (len >= (int)sizeof(err->message))
		trim_cut_character(err->message, sizeof(err->message) - 1);
	return code;
}
