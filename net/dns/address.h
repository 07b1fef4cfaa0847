/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/dns/address.h - where a host is, and whether the whole world may know it there.
 *
 * "Public" is what an agent may be sent to by a stranger's text: an address that is routed on the internet and
 * is not a door to this machine, its network or its cloud. By the IANA registries of special-purpose addresses.
 */
#ifndef WEFT_NET_DNS_ADDRESS_H
#define WEFT_NET_DNS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/base.h>

/* Of family AF_INET or AF_INET6; len is that of the member in use. */
struct weft__address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

#define WEFT__ADDRESS_TEXT_BYTES INET6_ADDRSTRLEN

/* The address that host is, in plain notation; port 0. False: it is a name, or none. */
bool weft__address_parse(weft_str host, struct weft__address *ret);

/* port in host order. */
void weft__address_set_port(struct weft__address *address, uint16_t port);

/* Without its port. Returns buf. */
const char *weft__address_text(const struct weft__address *address, char buf[WEFT__ADDRESS_TEXT_BYTES]);

/* See above. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as what it is. */
bool weft__address_is_public(const struct weft__address *address);

#endif
