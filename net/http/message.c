/* SPDX-License-Identifier: Apache-2.0 */
/* net/http/message.c - fields looked up, lists and numbers in them, names of statuses, kinds of bytes. */
#include "net/http/message.h"

#include "net/http/chars.h"

/* One byte of ASCII a number, sixteen a row: the sum of its WEFT__CHAR_*. Nothing else is of any kind. */
const uint8_t weft__chars[256] = {
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
	 0, 11,  2,  1, 11, 11, 11, 11, 10, 10, 11, 11, 10, 15, 15, 10,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 10,  2, 10,  2, 10,
	10, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10,  2, 10, 11, 15,
	11, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 11, 10, 15,  0,
};

/* Not strcasecmp: what that takes for one letter depends on the host's locale. */
static uint8_t lower(char c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool weft__http_name_eq(weft_str a, weft_str b)
{
	if (a.len_bytes != b.len_bytes)
		return false;
	for (size_t i = 0; i < a.len_bytes; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

weft_str weft__http_find(const struct weft__http_field *fields, uint32_t count, weft_str name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (weft__http_name_eq(fields[i].name, name))
			return fields[i].value;
	}
	return (weft_str){ NULL, 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool weft__http_list_has(weft_str list, weft_str token)
{
	const char *at = list.ptr, *stop = list.len_bytes ? at + list.len_bytes : at;

	while (at < stop) {
		const char *item, *end;

		while (at < stop && (is_blank(*at) || *at == ','))
			at++;
		for (item = at; at < stop && *at != ','; at++)
			;
		for (end = item; end < at && *end != ';'; end++)
			;
		while (end > item && is_blank(end[-1]))
			end--;
		if (end > item && weft__http_name_eq((weft_str){ item, (size_t)(end - item) }, token))
			return true;
	}
	return false;
}

bool weft__http_number(weft_str text, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len_bytes; i++) {
		uint8_t digit = (uint8_t)(text.ptr[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, digit, &n))
			return false;
	}
	if (!text.len_bytes)
		return false;
	*ret = n;
	return true;
}

const char *weft__http_reason(int status)
{
	switch (status) {
	case 100: return "Continue";
	case 101: return "Switching Protocols";
	case 200: return "OK";
	case 201: return "Created";
	case 202: return "Accepted";
	case 204: return "No Content";
	case 206: return "Partial Content";
	case 301: return "Moved Permanently";
	case 302: return "Found";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 307: return "Temporary Redirect";
	case 308: return "Permanent Redirect";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 411: return "Length Required";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 417: return "Expectation Failed";
	case 422: return "Unprocessable Content";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	case 505: return "HTTP Version Not Supported";
	case 529: return "Overloaded";
	default: return "Unknown";
	}
}
