/* SPDX-License-Identifier: Apache-2.0 */
/* net/dns/address.c - addresses as text, and which of them are public. See address.h. */
#include "net/dns/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/base/assert.h"

bool weft__address_parse(weft_str host, struct weft__address *ret)
{
	char text[WEFT__ADDRESS_TEXT_BYTES];
	struct weft__address a = {.len = 0};

	if (host.len_bytes == 0 || host.len_bytes >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len_bytes);
	text[host.len_bytes] = '\0';
	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.any.sa_family = AF_INET;
		a.len = sizeof(a.v4);
	} else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.any.sa_family = AF_INET6;
		a.len = sizeof(a.v6);
	} else {
		return false;
	}
	*ret = a;
	return true;
}

void weft__address_set_port(struct weft__address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET)
		address->v4.sin_port = htons(port);
	else
		address->v6.sin6_port = htons(port);
}

const char *weft__address_text(const struct weft__address *address, char buf[WEFT__ADDRESS_TEXT_BYTES])
{
	const void *bytes = &address->v6.sin6_addr;

	if (address->any.sa_family == AF_INET)
		bytes = &address->v4.sin_addr;
	return inet_ntop(address->any.sa_family, bytes, buf, WEFT__ADDRESS_TEXT_BYTES) ? buf : "?";
}

/* ---- public or not ------------------------------------------------------------------------------ */

/* The first bits of an address, in network order. */
struct prefix {
	uint8_t bytes[8];
	uint8_t bits;
};

static const struct prefix not_public_v4[] = {
        {{0}, 8},                 /* this host, this network */
        {{10}, 8},                /* private */
        {{100, 64}, 10},          /* behind a carrier's NAT; some clouds' metadata */
        {{127}, 8},               /* loopback */
        {{168, 63, 129, 16}, 32}, /* a cloud's own services, for its machines only */
        {{169, 254}, 16},         /* link-local; most clouds' metadata */
        {{172, 16}, 12},          /* private */
        {{192, 0, 0}, 24},        /* protocol assignments */
        {{192, 0, 2}, 24},        /* documentation */
        {{192, 88, 99}, 24},      /* 6to4 relays, given up */
        {{192, 168}, 16},         /* private */
        {{198, 18}, 15},          /* benchmarks */
        {{198, 51, 100}, 24},     /* documentation */
        {{203, 0, 113}, 24},      /* documentation */
        {{224}, 4},               /* multicast */
        {{240}, 4},               /* reserved, broadcast */
};

/* What is public lies in 2000::/3; all else (::, ::1, fc00::/7, fe80::/10, ff00::/8, ...) is not. */
static const struct prefix public_v6 = {{0x20}, 3};

static const struct prefix not_public_v6[] = {
        {{0x20, 0x01, 0x00}, 23},       /* protocol assignments: Teredo, benchmarks, ORCHID */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
        {{0x3f, 0xfe}, 16},             /* 6bone, given back */
        {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool begins_with(const uint8_t *bytes, const struct prefix *p)
{
	uint32_t whole = p->bits / 8, rest = p->bits % 8;

	WEFT_ASSERT(p->bits <= 8 * sizeof(p->bytes));
	if (memcmp(bytes, p->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ p->bytes[whole]) >> (8 - rest)) == 0;
}

static bool in_any(const uint8_t *bytes, const struct prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (begins_with(bytes, &prefixes[i]))
			return true;
	}
	return false;
}

static bool v4_is_public(const uint8_t *bytes)
{
	return !in_any(bytes, not_public_v4, COUNT(not_public_v4));
}

/* The IPv4 address that an IPv6 one stands for, or NULL. */
static const uint8_t *v4_inside(const uint8_t *bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};    /* 64:ff9b::/96 */

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0 || memcmp(bytes, nat64, sizeof(nat64)) == 0)
		return bytes + 12;
	return bytes[0] == 0x20 && bytes[1] == 0x02 ? bytes + 2 : NULL; /* 2002::/16, 6to4 */
}

static bool v6_is_public(const uint8_t *bytes)
{
	const uint8_t *v4 = v4_inside(bytes);

	if (v4)
		return v4_is_public(v4);
	return begins_with(bytes, &public_v6) && !in_any(bytes, not_public_v6, COUNT(not_public_v6));
}

bool weft__address_is_public(const struct weft__address *address)
{
	if (address->any.sa_family == AF_INET)
		return v4_is_public((const uint8_t *)&address->v4.sin_addr);
	return address->any.sa_family == AF_INET6 && v6_is_public((const uint8_t *)&address->v6.sin6_addr);
}
