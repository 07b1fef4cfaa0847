/* SPDX-License-Identifier: Apache-2.0 */
/* addresses: text there and back, and a table of what is public and what only looks so. */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <string.h>

#include "net/dns/address.h"

static struct weft__address parsed(const char *text)
{
	struct weft__address a = { .len = 0 };

	cr_assert(weft__address_parse(weft_str_from(text), &a), "%s", text);
	return a;
}

Test(address, text_goes_in_and_comes_out)
{
	static const char *const texts[] = { "127.0.0.1", "255.255.255.255", "::1", "2606:4700::1111", "::ffff:1.2.3.4" };
	char buf[WEFT__ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct weft__address a = parsed(texts[i]);

		weft__address_set_port(&a, 8443);
		cr_expect_str_eq(weft__address_text(&a, buf), texts[i]);
		cr_expect_eq(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port, htons(8443));
		cr_expect_eq(a.len, a.any.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
	}
}

Test(address, names_and_odd_spellings_are_no_addresses)
{
	static const char *const texts[] = {
		"", "localhost", "example.com", "1.2.3", "1.2.3.4.", "1.2.3.256", "01.2.3.4", "0x7f000001", "2130706433", "127.1",
		"[::1]", "::1%lo", "1:2:3:4:5:6:7:8:9", "1.2.3.4 ", "1111:2222:3333:4444:5555:6666:255.255.255.255.255.255.255",
	};
	struct weft__address a;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(weft__address_parse(weft_str_from(texts[i]), &a), "%s", texts[i]);
}

struct row {
	const char *text;
	bool is_public;
};

/* The first and the last address of each range, and its neighbours. */
static const struct row rows[] = {
	{ "0.0.0.0", false }, { "0.255.255.255", false }, { "1.0.0.0", true },
	{ "9.255.255.255", true }, { "10.0.0.0", false }, { "10.255.255.255", false }, { "11.0.0.0", true },
	{ "100.63.255.255", true }, { "100.64.0.0", false }, { "100.127.255.255", false }, { "100.128.0.0", true },
	{ "126.255.255.255", true }, { "127.0.0.0", false }, { "127.0.0.1", false }, { "127.255.255.255", false },
	{ "128.0.0.0", true }, { "168.63.129.15", true }, { "168.63.129.16", false }, { "168.63.129.17", true },
	{ "169.253.255.255", true }, { "169.254.0.0", false }, { "169.254.169.254", false }, { "169.254.255.255", false },
	{ "169.255.0.0", true },
	{ "172.15.255.255", true }, { "172.16.0.0", false }, { "172.31.255.255", false }, { "172.32.0.0", true },
	{ "191.255.255.255", true }, { "192.0.0.0", false }, { "192.0.0.255", false }, { "192.0.1.0", true },
	{ "192.0.1.255", true }, { "192.0.2.0", false }, { "192.0.2.255", false }, { "192.0.3.0", true },
	{ "192.88.99.1", false }, { "192.88.98.255", true }, { "192.88.100.0", true },
	{ "192.167.255.255", true }, { "192.168.0.0", false }, { "192.168.255.255", false }, { "192.169.0.0", true },
	{ "198.17.255.255", true }, { "198.18.0.0", false }, { "198.19.255.255", false }, { "198.20.0.0", true },
	{ "198.51.99.255", true }, { "198.51.100.0", false }, { "198.51.101.0", true },
	{ "203.0.112.255", true }, { "203.0.113.0", false }, { "203.0.114.0", true },
	{ "223.255.255.255", true }, { "224.0.0.0", false }, { "239.255.255.255", false }, { "240.0.0.0", false },
	{ "255.255.255.255", false }, { "8.8.8.8", true },

	{ "::", false }, { "::1", false }, { "::2", false }, { "::127.0.0.1", false }, { "::8.8.8.8", false },
	{ "::ffff:8.8.8.8", true }, { "::ffff:127.0.0.1", false }, { "::ffff:10.0.0.1", false },
	{ "::ffff:169.254.169.254", false }, { "::ffff:0.0.0.0", false }, { "::fffe:8.8.8.8", false },
	{ "64:ff9b::8.8.8.8", true }, { "64:ff9b::127.0.0.1", false }, { "64:ff9b::192.168.1.1", false },
	{ "64:ff9b:1::8.8.8.8", false }, { "64:ff9b:0:0:0:1:808:808", false },
	{ "100::1", false }, { "1fff:ffff::1", false },
	{ "2000::1", true }, { "2001:0:808:808::1", false }, { "2001:1ff:ffff::1", false }, { "2001:200::1", true },
	{ "2001:4860:4860::8888", true }, { "2001:db7:ffff::1", true }, { "2001:db8::1", false },
	{ "2001:db8:ffff::1", false }, { "2001:db9::1", true },
	{ "2002:7f00:1::1", false }, { "2002:a00:1::1", false }, { "2002:c0a8:101::1", false }, { "2002:808:808::1", true },
	{ "2606:4700::1111", true }, { "3ffd:ffff::1", true }, { "3ffe::1", false }, { "3fff::1", false },
	{ "3fff:fff::1", false }, { "3fff:1000::1", true }, { "4000::1", false },
	{ "fc00::1", false }, { "fd00:ec2::254", false }, { "fdff:ffff::1", false }, { "fe00::1", false },
	{ "fe80::1", false }, { "febf::1", false }, { "fec0::1", false }, { "ff02::1", false }, { "ffff::1", false },
};

Test(address, only_what_the_world_may_reach_is_public)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weft__address a = parsed(rows[i].text);

		cr_expect_eq(weft__address_is_public(&a), rows[i].is_public, "%s", rows[i].text);
	}
}

Test(address, another_family_is_not_public)
{
	struct weft__address a = { .any.sa_family = AF_UNIX, .len = sizeof(a.any) };

	cr_expect_not(weft__address_is_public(&a));
}
