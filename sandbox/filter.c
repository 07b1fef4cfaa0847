/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/filter.c - what bubblewrap leaves open: it makes walls of namespaces and installs no filter of its own.
 *
 * Everything is allowed but what is named here. An allow-list would be narrower, and breaks programs
 * with each C library that learns a new call; the program has no capability, no way to a
 * new user namespace and sees only what was bound, so a call that is not here still meets
 * the kernel's own checks. What is here is what those checks would let pass, and where most
 * of the kernel's faults of the last years were.
 *
 * io_uring opens files and connects without the system calls a filter sees: without these
 * three lines the others would be decoration. EPERM, since libraries probe for it and fall back.
 */
#include "sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/alloc.h>

void weft__filter_fini(struct weft__filter *filter)
{
	if (filter)
		weft_free(filter->bytes);
	if (filter)
		*filter = (struct weft__filter){ 0 };
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int weft__filter_open(const struct weft__filter *filter)
{
	int fd = memfd_create("weft-filter", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, filter->bytes, filter->len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

#ifdef WEFT_HAVE_SECCOMP

#include <seccomp.h>

static const int refused[] = {
	/* another way to all calls */
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	/* other processes */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
	SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd),
	/* keys: not in a namespace */
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	/* namespaces and mounts */
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(fanotify_init), SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
	/* the kernel itself */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(syslog), SCMP_SYS(reboot), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt),
	SCMP_SYS(lookup_dcookie), SCMP_SYS(vhangup), SCMP_SYS(uselib), SCMP_SYS(ustat), SCMP_SYS(sysfs),
	SCMP_SYS(_sysctl), SCMP_SYS(nfsservctl),
	/* the machine's clock and name */
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	/* memory on other nodes' account */
	SCMP_SYS(move_pages), SCMP_SYS(migrate_pages),
	/* memory that stays when nobody maps it: no limit counts it */
	SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret), SCMP_SYS(shmget), SCMP_SYS(msgget), SCMP_SYS(semget),
};

static const uint64_t new_namespaces[] = {
	CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
};

#define LOW_32 UINT64_C(0xffffffff) /* what the kernel looks at of an int argument */

/* Pseudo-terminals: typing into the terminal that is open is typing for its owner. */
static int refuse_ioctls(scmp_filter_ctx ctx)
{
	static const uint64_t requests[] = { TIOCSTI, TIOCLINUX };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(requests) / sizeof(*requests); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		                     SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, requests[i]));
	return r;
}

/* clone3 has its flags in memory, where a filter cannot look: it is not there, and C libraries take clone. */
static int refuse_namespaces(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; r == 0 && i < sizeof(new_namespaces) / sizeof(*new_namespaces); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		                     SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
	return r;
}

/* A network namespace holds inet and unix sockets. AF_VSOCK leads to the hypervisor past it; the rest is attack surface. */
static int refuse_families(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
	                         SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));

	for (uint64_t family = AF_INET + 1; r == 0 && family < AF_NETLINK; family++) {
		if (family != AF_INET6)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			                     SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_32, family));
	}
	if (r == 0) /* only unix sockets and TIPC's come in pairs */
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socketpair), 1,
		                     SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
	return r;
}

#define ICMPV6 58u /* above it: SCTP, UDP-Lite, L2TP, MPTCP, SMC */
#define DCCP 33u

/* A protocol is a module of the kernel's, loaded for whoever asks for it. TCP, UDP and ICMP are what programs need. */
static int refuse_protocols(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 1, SCMP_A2(SCMP_CMP_GT, ICMPV6, 0));

	return r < 0 ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 1,
	                                    SCMP_A2(SCMP_CMP_MASKED_EQ, LOW_32, DCCP));
}

#ifndef __NR_fchmodat2 /* later than the headers of many a system; the same on all architectures */
#define __NR_fchmodat2 452
#endif

/* bit: S_ISUID or S_ISGID. */
static int refuse_mode(scmp_filter_ctx ctx, uint64_t bit)
{
	const struct scmp_arg_cmp second = SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit), third = SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit);
	const struct {
		int call;
		struct scmp_arg_cmp mode;
	} list[] = {
		{ SCMP_SYS(chmod), second }, { SCMP_SYS(fchmod), second }, { SCMP_SYS(fchmodat), third },
		{ SCMP_SYS(creat), second }, { SCMP_SYS(mknod), second },  { SCMP_SYS(mknodat), third },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(list) / sizeof(*list); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), list[i].call, 1, list[i].mode);
		if (r == -EDOM)
			r = 0;
	}
	return r;
}

/* The mode of an open counts only where it makes a file: without that it may be anything. */
static int refuse_open(scmp_filter_ctx ctx, uint64_t bit)
{
	static const uint64_t makes[] = { O_CREAT, O_TMPFILE & ~O_DIRECTORY };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(makes) / sizeof(*makes); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 2,
		                     SCMP_A2(SCMP_CMP_MASKED_EQ, makes[i], makes[i]), SCMP_A3(SCMP_CMP_MASKED_EQ, bit, bit));
		if (r == 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 2,
			                     SCMP_A1(SCMP_CMP_MASKED_EQ, makes[i], makes[i]),
			                     SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
		if (r == -EDOM)
			r = 0;
	}
	return r;
}

/*
 * A program left in the workspace would run as the one who made it, for whoever starts it. openat2 has its mode in
 * memory; without fchmodat2 C libraries take fchmodat.
 */
static int refuse_set_ids(scmp_filter_ctx ctx)
{
	static const uint64_t bits[] = { S_ISUID, S_ISGID };
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), __NR_fchmodat2, 0);
	for (size_t i = 0; r == 0 && i < sizeof(bits) / sizeof(*bits); i++) {
		r = refuse_mode(ctx, bits[i]);
		if (r == 0)
			r = refuse_open(ctx, bits[i]);
	}
	return r;
}

static int refuse_all(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(refused) / sizeof(*refused); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
		if (r == -EDOM) /* not on this architecture */
			r = 0;
	}
	if (r == 0)
		r = refuse_ioctls(ctx);
	if (r == 0)
		r = refuse_namespaces(ctx);
	if (r == 0)
		r = refuse_families(ctx);
	if (r == 0)
		r = refuse_protocols(ctx);
	if (r == 0)
		r = refuse_set_ids(ctx);
	return r;
}

/* libseccomp writes to a descriptor only. */
static int take_out(scmp_filter_ctx ctx, struct weft__filter *filter)
{
	int fd = memfd_create("weft-filter", MFD_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r == 0) {
		filter->len = (size_t)st.st_size;
		filter->bytes = weft_malloc(filter->len);
		r = filter->bytes ? 0 : -ENOMEM;
	}
	if (r == 0 && pread(fd, filter->bytes, filter->len, 0) != (ssize_t)filter->len)
		r = -EIO;
	close(fd);
	if (r < 0)
		weft__filter_fini(filter);
	return r;
}

int weft__filter_init(struct weft__filter *filter)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW); /* calls of another architecture kill: its default */
	int r;

	*filter = (struct weft__filter){ 0 };
	if (!ctx)
		return -ENOMEM;
	r = refuse_all(ctx);
	if (r == 0)
		r = take_out(ctx, filter);
	seccomp_release(ctx);
	return r;
}

#else

int weft__filter_init(struct weft__filter *filter)
{
	*filter = (struct weft__filter){ 0 };
	return -ENOSYS;
}

#endif
