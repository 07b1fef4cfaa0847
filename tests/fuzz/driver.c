/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/driver.c - runs a harness without libFuzzer: each file of a corpus, then
 * mutations of them.
 *
 *   fuzz-x CORPUS_DIR [COUNT]       so many mutations; WEFT_SEED=n for others (the default is 1)
 *   fuzz-x CORPUS_DIR --only I      one mutation again, printed when it went wrong
 *
 * A mutation depends on the seed and its number alone.
 */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define FILES_MAX 256
#define INPUT_BYTES_MAX 4096u
#define COUNT_DEFAULT 10000u

struct input {
	uint8_t *bytes;
	size_t len;
};

static struct input files[FILES_MAX];
static size_t file_count;
static uint64_t seed = 1, rng_state, current;

/* Set by the sanitizers' runtimes when they are there. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*fn)(void));

static void say_current(void)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "\nfuzz: seed %llu, --only %llu\n", (unsigned long long)seed,
	                 (unsigned long long)current);

	(void)!write(STDERR_FILENO, text, (size_t)n);
}

static void on_signal(int sig)
{
	say_current();
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint64_t rng(uint64_t below)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static void file_load(const char *dir, const char *name)
{
	char path[1024];
	struct input *in = &files[file_count];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return;
	in->bytes = malloc(INPUT_BYTES_MAX);
	in->len = in->bytes ? fread(in->bytes, 1, INPUT_BYTES_MAX, f) : 0;
	file_count += in->bytes != NULL;
	fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* In one order everywhere: the numbers of mutations count on it. */
static void corpus_load(const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && file_count < FILES_MAX)
			file_load(dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* The bytes in memory of their very size, so that reading past them is seen. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return;
	if (len)
		memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void replace(struct input *in, size_t at, size_t cut, const void *with, size_t len)
{
	if (in->len - cut + len > INPUT_BYTES_MAX)
		return;
	memmove(in->bytes + at + len, in->bytes + at + cut, in->len - at - cut);
	memcpy(in->bytes + at, with, len);
	in->len += len - cut;
}

static void mutate_once(struct input *in)
{
	static const char *const tokens[] = { "{", "}", "[", "]", "\"", ":", ",", "\\", "\\u", "\\ud83d", "\\udc00", "<", ">",
		                              "</", "/>", "<response>", "</response>", "<think>", "</think>", "<![CDATA[", "]]>",
		                              "&lt;", "&", "null", "true", "-0.0", "1e308", "1e-400", "18446744073709551615",
		                              "9223372036854775808", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\"$ref\":\"#\"",
		                              "\"not\":", "\"anyOf\":[", "\"enum\":[", "\"type\":\"integer\"", "{\"a\":", "[[[[[[[[",
		                              "\r\n", "\r", "\n", "\r\n\r\n", " ", "Host: a\r\n", "Content-Length: 3\r\n",
		                              "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "HTTP/1.1 ", "data: ", "id: ", "event: " };
	const struct input *other = &files[rng(file_count)];
	size_t at = rng(in->len + 1), len = in->len - at;
	const char *token = tokens[rng(sizeof(tokens) / sizeof(tokens[0]))];
	uint8_t copy[64];

	len = len ? rng(len < 64 ? len : 64) + 1 : 0;
	switch (rng(6)) {
	case 0: /* flip a bit */
		if (len)
			in->bytes[at] ^= (uint8_t)(1u << rng(8));
		break;
	case 1:
		replace(in, at, len, "", 0);
		break;
	case 2:
		replace(in, at, 0, token, strlen(token));
		break;
	case 3:
		replace(in, at, len, token, strlen(token));
		break;
	case 4: /* say it twice */
		memcpy(copy, in->bytes + at, len);
		replace(in, at, 0, copy, len);
		break;
	default: /* some of another file */
		if (other->len)
			replace(in, at, 0, other->bytes, rng(other->len < 256 ? other->len : 256) + 1);
		break;
	}
}

static void mutation_run(uint64_t i)
{
	static uint8_t bytes[INPUT_BYTES_MAX];
	struct input in = { bytes, 0 };
	const struct input *from;
	uint64_t times;

	current = i;
	rng_state = seed * 0xd1342543de82ef95u + i;
	from = &files[rng(file_count)];
	memcpy(bytes, from->bytes, from->len);
	in.len = from->len;
	for (times = rng(6) + 1; times; times--)
		mutate_once(&in);
	run(in.bytes, in.len);
}

int main(int argc, char **argv)
{
	const char *given = getenv("WEFT_SEED");
	uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 0) : COUNT_DEFAULT;

	if (argc < 2)
		return 2;
	seed = given ? strtoull(given, NULL, 0) : 1;
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	signal(SIGALRM, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_current);
	corpus_load(argv[1]);
	if (!file_count) {
		fprintf(stderr, "fuzz: no files in %s\n", argv[1]);
		return 2;
	}
	if (argc == 4 && !strcmp(argv[2], "--only")) {
		mutation_run(strtoull(argv[3], NULL, 0));
		return 0;
	}
	for (size_t f = 0; f < file_count; f++)
		run(files[f].bytes, files[f].len);
	for (uint64_t i = 0; i < count; i++) {
		if (i % 64 == 0)
			alarm(20); /* one input that takes so long is a finding */
		mutation_run(i);
	}
	printf("fuzz: %zu files, %llu mutations, seed %llu\n", file_count, (unsigned long long)count, (unsigned long long)seed);
	return 0;
}
