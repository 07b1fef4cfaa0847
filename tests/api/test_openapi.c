/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of OpenAPI documents as tools: what is asked of a server (played by a thread), what becomes of its
 * answers, documents and arguments that mean harm.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/openapi.h>

#include "tests/support/agents.h"

/* ---- a server that notes what it was asked ------------------------------------------------ */

static struct {
	int fd;
	uint16_t port;
	pthread_t thread;
	pthread_mutex_t lock;
	uint32_t count;
	char asked[8192];    /* the last request */
	char answer[200000]; /* to every one */
	bool mute;           /* takes requests and never answers */
	bool endless;        /* never ends its answers */
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_whole(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");

	return end && (!length || strlen(end + 4) >= strtoul(length + 15, NULL, 10));
}

static void serve_one(int fd)
{
	static char answer[sizeof(server.answer)]; /* of the server's thread */
	char text[8192] = "";
	size_t n = 0;
	ssize_t got;
	bool mute, endless;

	while (!is_whole(text) && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		text[n += (size_t)got] = '\0';
	pthread_mutex_lock(&server.lock);
	strcpy(server.asked, text);
	server.count++;
	mute = server.mute;
	endless = server.endless;
	strcpy(answer, server.answer);
	pthread_mutex_unlock(&server.lock);
	if (!mute)
		(void)!write(fd, answer, strlen(answer));
	while ((mute || endless) && read(fd, text, sizeof(text)) > 0)
		; /* until the client has enough */
	close(fd);
}

static void *serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(server.fd, NULL, NULL)) >= 0)
		serve_one(fd);
	return NULL;
}

static void answer_with(const char *status, const char *type, const char *body)
{
	pthread_mutex_lock(&server.lock);
	snprintf(server.answer, sizeof(server.answer), "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	         status, type, strlen(body), body);
	pthread_mutex_unlock(&server.lock);
}

static void setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(server.fd, 8), 0);
	getsockname(server.fd, (struct sockaddr *)&at, &len);
	server.port = ntohs(at.sin_port);
	answer_with("200 OK", "application/json", "{\"fine\":true}");
	pthread_create(&server.thread, NULL, serve, NULL);
}

static void teardown(void)
{
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
}

TestSuite(openapi, .init = setup, .fini = teardown);

static uint32_t asked_count(void)
{
	uint32_t n;

	pthread_mutex_lock(&server.lock);
	n = server.count;
	pthread_mutex_unlock(&server.lock);
	return n;
}

/* ---- documents ------------------------------------------------------------------------------ */

static char log_text[4096];

static void on_log(weft_log_level level, const char *line, void *user)
{
	size_t n = strlen(log_text);

	(void)level;
	(void)user;
	snprintf(log_text + n, sizeof(log_text) - n, "%s\n", line);
}

static const char *const all_methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", NULL };

static weft_openapi_options options_of(const char *document)
{
	static char url[64];
	weft_openapi_options opt = WEFT_OPENAPI_OPTIONS_INIT;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/api", server.port);
	opt.document = weft_str_from(document);
	opt.server = url;
	opt.flags = WEFT_OPENAPI_PRIVATE;
	opt.methods = all_methods;
	opt.log = on_log;
	log_text[0] = '\0';
	return opt;
}

static weft_tools *tools_with(const weft_openapi_options *opt, int expected)
{
	weft_tools *tools;
	weft_error err = { 0 };

	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_openapi(tools, opt, NULL, &err), expected, "%s\n%s", err.message, log_text);
	return tools;
}

static weft_tools *tools_of(const char *document, int expected)
{
	weft_openapi_options opt = options_of(document);

	return tools_with(&opt, expected);
}

static void expect_call(const weft_tools *tools, const char *name, const char *arguments, int status, const char *expected)
{
	weft_arena *arena;
	weft_str text = { 0 };

	cr_assert_eq(weft_arena_create(0, &arena), 0);
	cr_assert_eq(weft_tools_call(tools, weft_str_from(name), weft_str_from(arguments), arena, &text), status, "%.*s",
	             WEFT_STR_ARG(text));
	cr_assert(text_has(text, expected), "said: %.*s", WEFT_STR_ARG(text));
	weft_arena_destroy(arena);
}

static void expect_asked(const char *text)
{
	pthread_mutex_lock(&server.lock);
	cr_assert(strstr(server.asked, text) != NULL, "asked:\n%s\nnot there: %s", server.asked, text);
	pthread_mutex_unlock(&server.lock);
}

static void expect_not_asked(const char *text)
{
	pthread_mutex_lock(&server.lock);
	cr_assert(strstr(server.asked, text) == NULL, "asked:\n%s\nthere: %s", server.asked, text);
	pthread_mutex_unlock(&server.lock);
}

#define DOC(paths) "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"Pets\"},\"paths\":{" paths "}}"
#define STRING "\"schema\":{\"type\":\"string\"}"

Test(openapi, parameters_go_where_they_belong)
{
	weft_tools *tools = tools_of(
		DOC("\"/pets/{id}/toys/{toy}\":{\"parameters\":[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"integer\"}},"
		    "{\"name\":\"toy\",\"in\":\"path\",\"required\":true," STRING "}],"
		    "\"get\":{\"operationId\":\"getToy\",\"summary\":\"A toy\",\"description\":\"of a pet\",\"parameters\":["
		    "{\"name\":\"q\",\"in\":\"query\",\"description\":\"words\"," STRING "},"
		    "{\"name\":\"tag\",\"in\":\"query\",\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},"
		    "{\"name\":\"c\",\"in\":\"query\",\"explode\":false,\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},"
		    "{\"name\":\"f\",\"in\":\"query\",\"style\":\"deepObject\",\"schema\":{\"type\":\"object\"}},"
		    "{\"name\":\"id\",\"in\":\"query\"," STRING "},"
		    "{\"name\":\"X-Trace\",\"in\":\"header\"," STRING "},"
		    "{\"name\":\"Host\",\"in\":\"header\"," STRING "}]}}"), 1);

	expect_call(tools, "getToy",
	            "{\"id\":7,\"toy\":\"a b/c?\",\"q\":\"x&y=z#\",\"tag\":[\"a\",\"b c\"],\"c\":[1,2],\"f\":{\"k\":\"v\",\"n\":3},"
	            "\"id_query\":\"\xc3\xa4\",\"X-Trace\":\"t-1\"}", 0, "{\"fine\":true}");
	expect_asked("GET /api/pets/7/toys/a%20b%2Fc%3F?q=x%26y%3Dz%23&tag=a&tag=b%20c&c=1,2&f%5Bk%5D=v&f%5Bn%5D=3&id=%C3%A4 HTTP/1.1\r\n");
	expect_asked("X-Trace: t-1\r\n");
	expect_call(tools, "getToy", "{\"id\":7}", WEFT_ESCHEMA, "toy");
	expect_call(tools, "getToy", "{\"id\":7,\"toy\":\"t\",\"Host\":\"evil\"}", WEFT_ESCHEMA, "Host");
	cr_assert(text_has(weft_tools_json(tools), "\"description\":\"A toy\\nof a pet\""));
	cr_assert(text_has(weft_tools_json(tools), "\"id_query\":{\"type\":\"string\"}"));
	cr_assert(text_has(weft_tools_json(tools), "\"q\":{\"description\":\"words\",\"type\":\"string\"}"));
	weft_tools_unref(tools);
}

Test(openapi, bodies_of_four_kinds)
{
	weft_tools *tools = tools_of(
		DOC("\"/json\":{\"post\":{\"operationId\":\"json\",\"requestBody\":{\"required\":true,\"content\":{\"text/plain\":{},"
		    "\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}}}}}},"
		    "\"/form\":{\"post\":{\"operationId\":\"form\",\"requestBody\":{\"content\":{\"application/x-www-form-urlencoded\":{}}}}},"
		    "\"/text\":{\"put\":{\"operationId\":\"text\",\"requestBody\":{\"content\":{\"text/plain; charset=utf-8\":{}}}}},"
		    "\"/image\":{\"post\":{\"requestBody\":{\"required\":true,\"content\":{\"image/png\":{}}}}},"
		    "\"/drop\":{\"delete\":{}}"), 4);
	uint32_t flags = 0;

	expect_call(tools, "json", "{\"body\":{\"n\":1}}", 0, "fine");
	expect_asked("POST /api/json HTTP/1.1\r\n");
	expect_asked("Content-Type: application/json\r\n");
	expect_asked("\r\n\r\n{\"n\":1}");
	expect_call(tools, "json", "{}", WEFT_ESCHEMA, "body");
	expect_call(tools, "json", "{\"body\":{\"n\":\"x\"}}", WEFT_ESCHEMA, "/body/n");
	expect_call(tools, "form", "{\"body\":{\"a\":\"1&2\",\"b\":[3,4]}}", 0, "fine");
	expect_asked("\r\n\r\na=1%262&b=3&b=4");
	expect_call(tools, "text", "{\"body\":\"words\"}", 0, "fine");
	expect_asked("Content-Type: text/plain; charset=utf-8\r\n");
	expect_asked("\r\n\r\nwords");
	expect_call(tools, "DELETE_drop_62de8646", "{}", 0, "fine"); /* no operationId: method and path */
	cr_assert_eq(weft_tools_flags(tools, WEFT_STR("json"), &flags), 0);
	cr_assert_eq(flags, WEFT_TOOL_OPEN_WORLD);
	cr_assert(strstr(log_text, "POST /image is left out: its body is of a kind that is not spoken here") != NULL, "%s", log_text);
	weft_tools_unref(tools);
}

#define PARTS(schema, encoding)                                                                                              \
	DOC("\"/up\":{\"post\":{\"operationId\":\"up\",\"requestBody\":{\"required\":true,\"content\":{\"multipart/form-data\":{" \
	    "\"schema\":" schema ",\"encoding\":" encoding "}}}}}")

static const char *boundary_asked(char to[32])
{
	const char *field;

	pthread_mutex_lock(&server.lock);
	field = strstr(server.asked, "boundary=weft-");
	cr_assert_not_null(field, "%s", server.asked);
	cr_assert_eq(sscanf(field, "boundary=%31[^\r]", to), 1);
	pthread_mutex_unlock(&server.lock);
	return to;
}

/* What was asked has these parts, with its boundary for each '@'. */
static void expect_parts(const char *parts)
{
	char boundary[32], body[1024];
	size_t n = 0;

	boundary_asked(boundary);
	for (const char *p = parts; *p && n < sizeof(body) - 64; p++)
		n += (size_t)(*p == '@' ? snprintf(body + n, 64, "%s", boundary) : snprintf(body + n, 64, "%c", *p));
	pthread_mutex_lock(&server.lock);
	cr_assert_str_eq(strstr(server.asked, "\r\n\r\n") + 4, body);
	pthread_mutex_unlock(&server.lock);
}

Test(openapi, bodies_of_parts)
{
	weft_tools *tools = tools_of(PARTS("{\"type\":\"object\",\"required\":[\"doc\"],\"properties\":{\"n\":{\"type\":\"integer\"},"
	                                   "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"o\":{\"type\":\"object\"},"
	                                   "\"doc\":{\"type\":\"string\",\"format\":\"binary\"},"
	                                   "\"more\":{\"type\":\"array\",\"items\":{\"contentMediaType\":\"text/csv\"}}}}",
	                                   "{\"more\":{\"contentType\":\"text/csv\"},\"doc\":{\"contentType\":\"image/png, image/jpeg\"}}"), 1);

	cr_assert(text_has(weft_tools_json(tools), "\"doc\":{\"type\":\"object\",\"properties\":{\"content\":{\"type\":\"string\"}"), "%s",
	          weft_tools_json(tools).ptr);
	expect_call(tools, "up",
	            "{\"body\":{\"n\":7,\"tags\":[\"a\",\"b\"],\"o\":{\"k\":1},"
	            "\"doc\":{\"content\":\"hi\\n\",\"filename\":\"../x/a \\\"b\\\".txt\"},\"more\":[{\"content\":\"1,2\"}]}}", 0, "fine");
	expect_parts("--@\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n7\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\nb\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"o\"\r\nContent-Type: application/json\r\n\r\n{\"k\":1}\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"doc\"; filename=\"a %22b%22.txt\"\r\n"
	             "Content-Type: text/plain; charset=utf-8\r\n\r\nhi\n\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"more\"; filename=\"more\"\r\nContent-Type: text/csv\r\n\r\n1,2\r\n"
	             "--@--\r\n");
	expect_call(tools, "up", "{\"body\":{\"doc\":\"text\"}}", WEFT_ESCHEMA, "doc");
	expect_call(tools, "up", "{\"body\":{\"n\":1}}", WEFT_ESCHEMA, "doc");
	expect_call(tools, "up", "{\"body\":{\"doc\":{\"content\":\"\",\"filename\":\"a/..\"}}}", WEFT_ETOOL, "the name of a file is none");
	expect_call(tools, "up", "{\"body\":{\"doc\":{\"content\":\"\",\"filename\":\"a\\r\\nX: y\"}}}", WEFT_ETOOL, "control characters");
	expect_call(tools, "up", "{\"body\":{\"doc\":{\"content\":\"\"},\"a\\nb\":\"x\"}}", WEFT_ETOOL, "control characters");
	weft_tools_unref(tools);
}

/* Without a schema everything is a field. What would end its part does not. */
Test(openapi, bodies_of_parts_stay_apart)
{
	weft_tools *tools = tools_of(PARTS("{}", "{}"), 1);
	char first[32], second[32], call[128];

	expect_call(tools, "up", "{\"body\":{\"a\":\"--weft\",\"b\":null,\"c\":\"x\\r\\n--weft--\\r\\n\"}}", 0, "fine");
	expect_parts("--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--weft\r\n"
	             "--@\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\nx\r\n--weft--\r\n\r\n--@--\r\n");
	boundary_asked(first);
	expect_call(tools, "up", "{\"body\":{\"a\":\"--weft\",\"b\":null,\"c\":\"x\\r\\n--weft--\\r\\n\"}}", 0, "fine");
	cr_assert_str_eq(boundary_asked(second), first, "the same call, the same request");
	snprintf(call, sizeof(call), "{\"body\":{\"a\":\"--%s\"}}", first);
	expect_call(tools, "up", call, 0, "fine");
	cr_assert_str_neq(boundary_asked(second), first);
	expect_call(tools, "up", "{\"body\":7}", WEFT_ETOOL, "must be an object");
	weft_tools_unref(tools);
}

Test(openapi, cookies_are_one_field)
{
	static const weft_openapi_credential credentials[] = { { "c", "s3cr3t==" }, { NULL, NULL } };
	weft_openapi_options opt = options_of(
		"{\"openapi\":\"3.1.0\",\"security\":[{\"c\":[]}],\"paths\":{\"/a\":{\"get\":{\"operationId\":\"a\",\"parameters\":["
		"{\"name\":\"lang\",\"in\":\"cookie\"," STRING "},{\"name\":\"ids\",\"in\":\"cookie\",\"schema\":{\"type\":\"array\"}},"
		"{\"name\":\"lang\",\"in\":\"query\"," STRING "},{\"name\":\"SID\",\"in\":\"cookie\",\"required\":true}]}},"
		"\"/b\":{\"get\":{\"operationId\":\"b\",\"security\":[]}}},\"components\":{\"securitySchemes\":{"
		"\"c\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sid\"}}}}");
	weft_tools *tools;

	opt.credentials = credentials;
	tools = tools_with(&opt, 2);
	expect_call(tools, "a", "{\"lang_cookie\":\"a; sid=mine\\r\\nX: y\",\"ids\":[1,2],\"lang\":\"de\"}", 0, "fine");
	expect_asked("GET /api/a?lang=de ");
	expect_asked("Cookie: sid=s3cr3t==; lang=a%3B%20sid%3Dmine%0D%0AX%3A%20y; ids=1%2C2\r\n");
	expect_call(tools, "a", "{\"SID\":\"mine\"}", WEFT_ESCHEMA, "SID");
	expect_call(tools, "b", "{}", 0, "fine");
	expect_not_asked("Cookie");
	weft_tools_unref(tools);
}

Test(openapi, cookies_that_cannot_be_one)
{
	static const weft_openapi_credential credentials[] = { { "c", "a; b=c" }, { NULL, NULL } };
	weft_openapi_options opt = options_of(
		"{\"openapi\":\"3.1.0\",\"security\":[{\"c\":[]}],\"paths\":{\"/a\":{\"get\":{}}},\"components\":{\"securitySchemes\":{"
		"\"c\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sid\"}}}}");

	opt.credentials = credentials;
	weft_tools_unref(tools_with(&opt, 0));
}

Test(openapi, answers_are_text_or_named)
{
	weft_openapi_options opt = options_of(DOC("\"/x\":{\"get\":{\"operationId\":\"x\"}}"));
	weft_tools *tools;
	char *big = calloc(1, 100001);

	opt.timeout_ns = 10000 * TEST_SECOND; /* what is endless must be ended by us */
	tools = tools_with(&opt, 1);

	answer_with("404 Not Found", "text/plain; charset=utf-8", "no such pet");
	expect_call(tools, "x", "{}", WEFT_ETOOL, "HTTP 404: no such pet");
	answer_with("302 Found\r\nLocation: http://169.254.169.254/latest", "text/html", "");
	expect_call(tools, "x", "{}", WEFT_ETOOL, "HTTP 302: it would lead to http://169.254.169.254/latest, which is not followed");
	answer_with("200 OK", "image/png", "PNGPNG");
	expect_call(tools, "x", "{}", 0, "[image/png, 6 bytes]");
	answer_with("200 OK", "text/plain", "");
	expect_call(tools, "x", "{}", 0, "[HTTP 200, nothing else]");
	memset(big, 'y', 100000);
	answer_with("200 OK", "text/plain", big);
	expect_call(tools, "x", "{}", 0, "yyy\n[the rest was left out]");
	for (int shift = 0; shift < 2; shift++) { /* wherever it is cut, a character is whole */
		for (int i = shift; i + 1 < 100000; i += 2)
			memcpy(big + i, "\xc3\xa9", 2);
		answer_with("200 OK", "text/plain", big);
		expect_call(tools, "x", "{}", 0, "\xc3\xa9\n[the rest was left out]");
	}
	memset(big, 'y', 100000);
	pthread_mutex_lock(&server.lock);
	server.endless = true;
	strcpy(server.answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
	strcat(server.answer, big);
	pthread_mutex_unlock(&server.lock);
	expect_call(tools, "x", "{}", 0, "yyy\n[the rest was left out]");
	pthread_mutex_lock(&server.lock);
	server.endless = false;
	pthread_mutex_unlock(&server.lock);
	pthread_mutex_lock(&server.lock);
	strcpy(server.answer, "this is no HTTP");
	pthread_mutex_unlock(&server.lock);
	expect_call(tools, "x", "{}", WEFT_ETOOL, "failed");
	free(big);
	weft_tools_unref(tools);
}

/* ---- schemas ------------------------------------------------------------------------------------ */

Test(openapi, schemas_without_references)
{
	weft_tools *tools = tools_of(
		"{\"openapi\":\"3.0.0\",\"paths\":{\"/p\":{\"$ref\":\"#/x-items/a~1b\"}},\"x-items\":{\"a/b\":{\"post\":{\"operationId\":\"add\","
		"\"parameters\":[{\"$ref\":\"#/components/parameters/Lim\"}],"
		"\"requestBody\":{\"$ref\":\"#/components/requestBodies/Pet\"}}}},\"components\":{"
		"\"parameters\":{\"Lim\":{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":0,\"exclusiveMinimum\":true}}},"
		"\"requestBodies\":{\"Pet\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Pet\"}}}}},"
		"\"schemas\":{\"Named\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"nullable\":true}},\"required\":[\"name\"]},"
		"\"Pet\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Named\"},{\"type\":\"object\",\"properties\":{"
		"\"child\":{\"$ref\":\"#/components/schemas/Pet\"}}}]}}}}", 1);

	cr_assert(text_has(weft_tools_json(tools), "\"limit\":{\"type\":\"integer\",\"exclusiveMinimum\":0}"), "%s", weft_tools_json(tools).ptr);
	cr_assert(text_has(weft_tools_json(tools),
	                   "\"body\":{\"allOf\":[{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":[\"string\",\"null\"]}}},"
	                   "{\"type\":\"object\",\"properties\":{\"child\":{}}}]}"), "%s", weft_tools_json(tools).ptr);
	expect_call(tools, "add", "{\"body\":{\"name\":null,\"child\":{\"name\":\"kid\"}},\"limit\":1}", 0, "fine");
	expect_call(tools, "add", "{\"body\":{},\"limit\":1}", WEFT_ESCHEMA, "name");
	expect_call(tools, "add", "{\"body\":{\"name\":\"x\"},\"limit\":0}", WEFT_ESCHEMA, "limit");
	weft_tools_unref(tools);
}

/* ---- secrets -------------------------------------------------------------------------------------- */

#define SCHEMES                                                                                                              \
	"\"components\":{\"securitySchemes\":{\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Key\"},"           \
	"\"q\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"token\"},\"b\":{\"type\":\"http\",\"scheme\":\"bearer\"},"   \
	"\"p\":{\"type\":\"http\",\"scheme\":\"basic\"},\"c\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sid\"}}}"

Test(openapi, secrets_come_from_the_options)
{
	static const weft_openapi_credential credentials[] = { { "key", "k-1" }, { "q", "t&2" }, { "b", "b-3" }, { "p", "ann:pw" }, { NULL, NULL } };
	weft_openapi_options opt = options_of(
		"{\"openapi\":\"3.1.0\",\"security\":[{\"key\":[],\"q\":[]}],\"paths\":{"
		"\"/a\":{\"get\":{\"operationId\":\"a\",\"parameters\":[{\"name\":\"x-key\",\"in\":\"header\"},{\"name\":\"token\",\"in\":\"query\"},"
		"{\"name\":\"z\",\"in\":\"query\"}]}},"
		"\"/b\":{\"get\":{\"operationId\":\"b\",\"security\":[{},{\"unknown\":[]},{\"b\":[]}]}},"
		"\"/p\":{\"get\":{\"operationId\":\"p\",\"security\":[{\"p\":[]}]}},"
		"\"/none\":{\"get\":{\"operationId\":\"none\",\"security\":[]}},"
		"\"/c\":{\"get\":{\"operationId\":\"c\",\"security\":[{\"c\":[]}]}}}," SCHEMES "}");
	weft_tools *tools;

	opt.credentials = credentials;
	tools = tools_with(&opt, 4);
	cr_assert(!text_has(weft_tools_json(tools), "k-1") && !text_has(weft_tools_json(tools), "b-3"));
	expect_call(tools, "a", "{\"z\":\"1\"}", 0, "fine");
	expect_asked("GET /api/a?z=1&token=t%262 ");
	expect_asked("X-Key: k-1\r\n");
	expect_call(tools, "a", "{\"token\":\"mine\"}", WEFT_ESCHEMA, "token");
	expect_call(tools, "b", "{}", 0, "fine");
	expect_asked("Authorization: Bearer b-3\r\n");
	expect_call(tools, "p", "{}", 0, "fine");
	expect_asked("Authorization: Basic YW5uOnB3\r\n");
	expect_call(tools, "none", "{}", 0, "fine");
	expect_not_asked("X-Key");
	expect_not_asked("Authorization");
	cr_assert(strstr(log_text, "GET /c is left out: it wants a credential that was not given") != NULL, "%s", log_text);
	weft_tools_unref(tools);
}

static weft_str call_text(const weft_tools *tools, const char *name, weft_arena *arena)
{
	weft_str text = { 0 };

	(void)weft_tools_call(tools, weft_str_from(name), WEFT_STR("{}"), arena, &text);
	cr_assert(text_has(text, "fine"), "said: %.*s", WEFT_STR_ARG(text));
	return text;
}

/* A server that repeats what it was sent tells the model nothing. */
Test(openapi, secrets_do_not_come_back)
{
	static const weft_openapi_credential credentials[] = { { "q", "query&secret" }, { "p", "ann:password" }, { NULL, NULL } };
	static const char *const secrets[] = { "query&secret", "query%26secret", "password", "YW5uOnBhc3N3b3Jk" };
	weft_openapi_options opt = options_of(
		"{\"openapi\":\"3.1.0\",\"security\":[{\"q\":[],\"p\":[]}],\"paths\":{\"/a\":{\"get\":{\"operationId\":\"a\"}}}," SCHEMES "}");
	weft_tools *tools;
	weft_arena *arena;
	char body[80];

	opt.credentials = credentials;
	tools = tools_with(&opt, 1);
	cr_assert_eq(weft_arena_create(0, &arena), 0);
	answer_with("302 Found\r\nLocation: /fine?token=query%26secret", "text/html", "");
	expect_call(tools, "a", "{}", WEFT_ETOOL, "HTTP 302: it would lead to /fine, which is not followed");
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		snprintf(body, sizeof(body), "fine: %s, and %s", secrets[i], secrets[i]);
		answer_with("200 OK", "text/plain", body);
		expect_call(tools, "a", "{}", 0, "fine: [secret], and [secret]");
		answer_with("401 Unauthorized", "text/plain", body);
		expect_call(tools, "a", "{}", WEFT_ETOOL, "HTTP 401: fine: [secret], and [secret]");
		snprintf(body, sizeof(body), "302 Found\r\nLocation: /%s/fine", secrets[i]);
		answer_with(body, "text/plain", "");
		cr_assert(!text_has(call_text(tools, "a", arena), secrets[i]));
	}
	weft_arena_destroy(arena);
	weft_tools_unref(tools);
}

/* ---- harm --------------------------------------------------------------------------------------------- */

Test(openapi, only_hosts_that_were_allowed)
{
	static const char *const hosts[] = { "api.example.com", "*.example.org", "127.0.0.1:1", NULL };
	weft_openapi_options opt = options_of(
		"{\"openapi\":\"3.0.0\",\"servers\":[{\"url\":\"https://{where}.example.com/v{n}/\",\"variables\":{\"where\":{\"default\":\"api\"},\"n\":{\"default\":\"1\"}}}],"
		"\"paths\":{\"/ok\":{\"get\":{\"operationId\":\"ok\"}},"
		"\"/sub\":{\"get\":{\"operationId\":\"sub\",\"servers\":[{\"url\":\"https://a.example.org\"}]}},"
		"\"/evil\":{\"get\":{\"servers\":[{\"url\":\"https://evil.com\"}]}},"
		"\"/near\":{\"get\":{\"servers\":[{\"url\":\"https://api.example.com.evil.com\"}]}},"
		"\"/top\":{\"get\":{\"servers\":[{\"url\":\"https://example.org\"}]}},"
		"\"/user\":{\"get\":{\"servers\":[{\"url\":\"https://api.example.com@evil.com\"}]}},"
		"\"/file\":{\"get\":{\"servers\":[{\"url\":\"file:///etc/passwd\"}]}},"
		"\"/port\":{\"get\":{\"servers\":[{\"url\":\"http://127.0.0.1:2\"}]}},"
		"\"/ssh\":{\"get\":{\"servers\":[{\"url\":\"https://api.example.com:22\"}]}},"
		"\"/relative\":{\"servers\":[{\"url\":\"/v1\"}],\"get\":{}}}}");
	weft_tools *tools;
	weft_error err = { 0 };

	opt.server = NULL;
	opt.hosts = hosts;
	tools = tools_with(&opt, 2);
	cr_assert(text_has(weft_tools_json(tools), "\"ok\"") && text_has(weft_tools_json(tools), "\"sub\""));
	opt.hosts = NULL;
	cr_assert_eq(weft_tools_add_openapi(tools, &opt, "x", &err), -EINVAL);
	weft_tools_unref(tools);
}

Test(openapi, secrets_do_not_go_in_the_open)
{
	static const weft_openapi_credential credentials[] = { { "b", "secret" }, { NULL, NULL } };
	static const char *const hosts[] = { "h.example", NULL };
	weft_openapi_options opt = options_of("{\"openapi\":\"3.0.0\",\"security\":[{\"b\":[]}],\"servers\":[{\"url\":\"http://h.example\"}],"
	                                      "\"paths\":{\"/x\":{\"get\":{}},\"/free\":{\"get\":{\"security\":[]}}}," SCHEMES "}");

	opt.server = NULL;
	opt.hosts = hosts;
	opt.credentials = credentials;
	weft_tools_unref(tools_with(&opt, 1));
	cr_assert(strstr(log_text, "GET /x is left out: its secret would go over http") != NULL, "%s", log_text);
}

Test(openapi, addresses_that_are_not_public_are_refused)
{
	weft_openapi_options opt = options_of(DOC("\"/x\":{\"get\":{\"operationId\":\"x\"}}"));
	weft_tools *tools;

	opt.flags = 0;
	tools = tools_with(&opt, 1);
	expect_call(tools, "x", "{}", WEFT_ETOOL, "127.0.0.1");
	cr_assert_eq(asked_count(), 0);
	weft_tools_unref(tools);
}

Test(openapi, arguments_stay_where_they_belong)
{
	weft_tools *tools = tools_of(DOC("\"/u/{name}/x\":{\"get\":{\"operationId\":\"u\",\"parameters\":[{\"name\":\"name\",\"in\":\"path\"},"
	                                 "{\"name\":\"X-A\",\"in\":\"header\"}]}}"), 1);

	expect_call(tools, "u", "{\"name\":\"..\"}", WEFT_ETOOL, "leads out of it");
	expect_call(tools, "u", "{\"name\":\"a/../../admin\"}", WEFT_ETOOL, "leads out of it");
	expect_call(tools, "u", "{\"name\":\"a\\\\..\"}", WEFT_ETOOL, "leads out of it");
	expect_call(tools, "u", "{\"name\":\"\"}", WEFT_ETOOL, "empty");
	expect_call(tools, "u", "{\"name\":\"n\",\"X-A\":\"v\\r\\nEvil: 1\"}", WEFT_ETOOL, "control characters");
	cr_assert_eq(asked_count(), 0);
	expect_call(tools, "u", "{\"name\":\"a..b %2e%2e\"}", 0, "fine");
	expect_asked("GET /api/u/a..b%20%252e%252e/x ");
	weft_tools_unref(tools);
}

#define HEADER(name) "{\"name\":\"" name "\",\"in\":\"header\"," STRING "},"

/* Many servers would take a GET with one of these for a DELETE, or for a request of another path. */
Test(openapi, fields_that_make_another_request_are_not_for_the_model)
{
	static const char *const names[] = { "x-http-method-override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL",
		                             "X-Rewrite-URL", "X_Forwarded_Host", "X-FORWARDED-FOR", "X-Real-IP", "Forwarded" };
	weft_tools *tools = tools_of(DOC("\"/x\":{\"get\":{\"operationId\":\"x\",\"parameters\":["
	                                 HEADER("x-http-method-override") HEADER("X-HTTP-Method") HEADER("X-Method-Override")
	                                 HEADER("X-Original-URL") HEADER("X-Rewrite-URL") HEADER("X_Forwarded_Host") HEADER("X-FORWARDED-FOR")
	                                 HEADER("X-Real-IP") HEADER("Forwarded") "{\"name\":\"X-Forwarder\",\"in\":\"header\"," STRING "}]}}"), 1);
	char arguments[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(arguments, sizeof(arguments), "{\"%s\":\"DELETE\"}", names[i]);
		expect_call(tools, "x", arguments, WEFT_ESCHEMA, names[i]);
	}
	cr_assert_eq(asked_count(), 0);
	expect_call(tools, "x", "{\"X-Forwarder\":\"me\"}", 0, "fine");
	expect_asked("X-Forwarder: me\r\n");
	weft_tools_unref(tools);
}

Test(openapi, methods_and_operations_are_chosen)
{
	static const char *const wanted[] = { "one", NULL };
	weft_openapi_options opt = options_of(DOC("\"/a\":{\"get\":{\"operationId\":\"one\"},\"post\":{\"operationId\":\"two\"}},"
	                                          "\"/b\":{\"get\":{\"operationId\":\"three\"}}"));
	weft_tools *tools;

	opt.methods = NULL;
	weft_tools_unref(tools_with(&opt, 2));
	cr_assert(strstr(log_text, "POST /a is left out: this method was not allowed") != NULL);
	opt.operations = wanted;
	tools = tools_with(&opt, 1);
	cr_assert(text_has(weft_tools_json(tools), "\"one\""));
	weft_tools_unref(tools);
}

Test(openapi, an_operation_that_is_not_there_is_told)
{
	static const char *const wanted[] = { "one", "onne", NULL };
	weft_openapi_options opt = options_of(DOC("\"/a\":{\"get\":{\"operationId\":\"one\"}}"));
	weft_error err = { 0 };
	weft_tools *tools;

	opt.operations = wanted;
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_openapi(tools, &opt, NULL, &err), -EINVAL);
	cr_assert(strstr(err.message, "no operation 'onne'") != NULL, "%s", err.message);
	cr_assert_eq(weft_tools_count(tools), 0);
	weft_tools_unref(tools);
}

static void refused(const char *document, int status, const char *expected)
{
	weft_openapi_options opt = options_of(document);
	weft_error err = { 0 };
	weft_tools *tools;

	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_openapi(tools, &opt, NULL, &err), status, "%s", err.message);
	cr_assert(strstr(err.message, expected) != NULL, "%s", err.message);
	cr_assert_eq(weft_tools_count(tools), 0);
	weft_tools_unref(tools);
}

Test(openapi, documents_that_are_none)
{
	refused("openapi: 3.0.0", WEFT_EPARSE, "YAML has to be converted");
	refused("{}", WEFT_ESCHEMA, "no OpenAPI 3 document");
	refused("{\"swagger\":\"2.0\"}", WEFT_ESCHEMA, "no OpenAPI 3 document");
	refused("{\"openapi\":\"3.0.0\"}", WEFT_ESCHEMA, "no paths");
	refused(DOC("\"/a\":{\"get\":{\"operationId\":\"x\"}},\"/b\":{\"get\":{\"operationId\":\"x\"}}"), -EEXIST, "'x'");
}

/* Each level names the next one ten times. */
static void unfolding(char *text, size_t room, int levels)
{
	size_t n = (size_t)snprintf(text, room, "{\"openapi\":\"3.0.0\",\"paths\":{\"/x\":{\"post\":{\"requestBody\":{\"content\":{"
	                                        "\"application/json\":{\"schema\":{\"$ref\":\"#/s/0\"}}}}}}},\"s\":[");

	for (int i = 0; i < levels; i++) {
		n += (size_t)snprintf(text + n, room - n, "%s{\"anyOf\":[", i ? "," : "");
		for (int j = 0; j < 10; j++)
			n += (size_t)snprintf(text + n, room - n, "%s{\"$ref\":\"#/s/%d\"}", j ? "," : "", i + 1);
		n += (size_t)snprintf(text + n, room - n, "]}");
	}
	snprintf(text + n, room - n, ",{}]}");
}

Test(openapi, documents_that_mean_harm)
{
	static char text[16384];

	unfolding(text, sizeof(text), 12);
	weft_tools_unref(tools_of(text, 0));
	cr_assert(strstr(log_text, "its schema is too large") != NULL, "%s", log_text);
	weft_tools_unref(tools_of("{\"openapi\":\"3.0.0\",\"paths\":{\"/x\":{\"$ref\":\"#/paths/~1x\"}}}", 0)); /* in circles */
	weft_tools_unref(tools_of(DOC("\"/x\":{\"post\":{\"requestBody\":{\"content\":{\"application/json\":{\"schema\":"
	                              "{\"$ref\":\"http://evil.com/s.json\"}}}}}}"), 0));
	cr_assert(strstr(log_text, "refers to what is not there") != NULL, "%s", log_text);
	weft_tools_unref(tools_of(DOC("\"x\":{\"get\":{}},\"/a?b\":{\"get\":{}},\"/../a\":{\"get\":{}},\"/{q}\":{\"get\":{}},\"/{\":{\"get\":{}},"
	                              "\"\":{\"get\":{}},\"/%\":{\"get\":{}},\"/n\":{\"get\":7},\"/m\":7"), 0));
	weft_tools_unref(tools_of(DOC("\"/%2e%2e/a\":{\"get\":{}},\"/.%2E/a\":{\"get\":{}},\"/a%2f..%2fb\":{\"get\":{}},\"/a%2Fb\":{\"get\":{}},"
	                              "\"/a%5cb\":{\"get\":{}},\"/%5C\":{\"get\":{}},\"/a%20b\":{\"get\":{}}"), 1));
	weft_tools_unref(tools_of(DOC("\"/c\":{\"get\":{\"parameters\":[{\"name\":\"c\",\"in\":\"body\",\"required\":true}]}},"
	                              "\"/d\":{\"get\":{\"parameters\":[{\"in\":\"query\"}]}}"), 0));
}

/* ---- agents --------------------------------------------------------------------------------------------- */

static int obey(weft_model_call *call, void *user)
{
	const weft_model_request *q = call->request;
	const weft_chat_message *last = &q->messages[q->message_count - 1];
	weft_tool_request *calls = weft_arena_calloc(call->arena, sizeof(*calls));

	(void)user;
	if (last->role == WEFT_ROLE_TOOL) {
		call->response->text = last->content;
		return 0;
	}
	*calls = (weft_tool_request){ .id = WEFT_STR("call"), .name = WEFT_STR("x"), .arguments_json = WEFT_STR("{}") };
	call->response->tool_calls = calls;
	call->response->tool_call_count = 1;
	return 0;
}

Test(openapi, agents_ask_and_may_be_cancelled)
{
	weft_openapi_options opt = options_of(DOC("\"/x\":{\"get\":{\"operationId\":\"x\"}}"));
	weft_ask ask = WEFT_ASK_INIT;
	weft_error err = { 0 };
	weft_future *future;
	weft_msg *answer;
	struct kit k;
	uint32_t before;

	kit_init(&k);
	cr_assert_eq(weft_tools_add_openapi(k.tools, &opt, NULL, &err), 1, "%s", err.message);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "obey", obey, NULL, NULL), 0);
	kit_start(&k, 2);
	for (int i = 0; i < 20; i++) {
		answer = kit_say(&k, "go");
		cr_assert(text_has(weft_agent_result_of(answer)->text, "fine"));
		weft_msg_destroy(answer);
	}
	pthread_mutex_lock(&server.lock);
	server.mute = true;
	before = server.count;
	pthread_mutex_unlock(&server.lock);
	ask.input = WEFT_STR("go");
	ask.workflow_id = weft_workflow_id(k.rt);
	cr_assert_eq(weft_future_create(k.rt, &future), 0);
	cr_assert_eq(weft_agent_ask(k.agent, &ask, weft_reply_to_future(future)), 0);
	while (asked_count() == before)
		usleep(1000); /* until it is under way; nothing follows from how long that takes */
	cr_assert_eq(weft_agent_cancel(k.agent, ask.workflow_id), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + TEST_LONG), 0);
	weft_msg_destroy(answer);
	weft_future_destroy(future);
	kit_end(&k);
}
