// SPDX-License-Identifier: Apache-2.0
/*
 * check_http1.mjs PROBE CORPUS: our HTTP/1.1 parser beside node's (llhttp), on mutations of the fuzzer's corpus.
 *
 * The law: whatever ours takes, node's takes too, and makes the same of it: the same start line, fields and body. What
 * ours refuses node may take (ours is the stricter one); how often is printed. The seed is WEFT_SEED, or 1.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [probe, corpus] = process.argv.slice(2);
const rounds = Number(process.env.WEFT_ROUNDS ?? 20000);
let seed = BigInt(process.env.WEFT_SEED ?? 1);

let binding;
process.removeAllListeners('warning');
process.on('warning', () => {}); // that process.binding is deprecated
try {
	binding = process.binding('http_parser');
	if (!binding.HTTPParser.kOnMessageComplete)
		throw new Error('another interface');
} catch (error) {
	console.log(`skipped: this node keeps its parser to itself: ${error.message}`);
	process.exit(77);
}
const { HTTPParser } = binding;
const methods = binding.allMethods ?? binding.methods;

function random(below) {
	seed = (seed + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
	let z = seed;
	z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
	z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
	return Number((z ^ (z >> 31n)) % BigInt(below));
}

const tokens = ['\r\n', '\r', '\n', '\r\n\r\n', ' ', '\t', ':', ',', ';', '0', 'f', '\0', '\x7f', 'Host: b\r\n', 'Content-Length: 3\r\n',
	'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'transfer-encoding: gzip, chunked\r\n', 'Connection: close\r\n', '0\r\n\r\n',
	'HTTP/1.0', 'HTTP/1.1', ' folded\r\n', 'X: y\r\n', ';ext=1', '+', '0x', '%', '#', '\u00e9'].map((t) => Buffer.from(t, 'latin1'));

function mutate(bytes, others) {
	for (let times = random(3) + 1; times; times--) {
		const at = random(bytes.length + 1), cut = random(4) ? 0 : random(8), other = others[random(others.length)];
		const from = random(other.length + 1), insert = random(3) ? tokens[random(tokens.length)] : other.subarray(from, from + random(30));
		bytes = Buffer.concat([bytes.subarray(0, at), random(4) ? insert : Buffer.alloc(0), bytes.subarray(Math.min(at + cut, bytes.length))]);
	}
	return bytes;
}

// What node's parser makes of it: the first message, or the name of its error.
function nodes(kind, bytes) {
	const parser = new HTTPParser(), seen = { body: [] };
	let headers = [], url = '', done = null;
	parser.initialize(kind === 'q' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 65536, 0);
	parser[HTTPParser.kOnHeaders] = (more, target) => { headers.push(...more); url += target; };
	parser[HTTPParser.kOnHeadersComplete] = (major, minor, more, method, target, status, reason, upgrade, keep) => {
		if (done)
			return 0;
		Object.assign(seen, { major, minor, status: kind === 'q' ? 0 : status, keep, upgrade, infos: status >= 100 && status < 200,
			head: [kind === 'q' ? methods[method] : '', url + (target ?? ''), ...headers, ...(more ?? [])] });
		headers = [];
		url = '';
		return 0;
	};
	parser[HTTPParser.kOnBody] = (...args) => {
		if (!done)
			seen.body.push(args.length > 1 ? Buffer.from(args[0].subarray(args[1], args[1] + args[2])) : Buffer.from(args[0]));
	};
	parser[HTTPParser.kOnMessageComplete] = () => {
		if (seen.infos) // an answer before the answer
			seen.body = [];
		else
			done ??= { ...seen, body: Buffer.concat(seen.body).toString('hex') };
	};
	let r = parser.execute(bytes);
	if (!(r instanceof Error) && !done)
		r = parser.finish();
	return done ?? { error: r instanceof Error ? r.code : 'it is not complete' };
}

async function ours(lines) {
	const child = spawn(probe, { stdio: ['pipe', 'pipe', 'inherit'] });
	let text = '';
	child.stdout.on('data', (piece) => { text += piece; });
	child.stdin.end(lines.join(''));
	const status = await new Promise((resolve) => { child.on('close', resolve); });
	if (status !== 0)
		throw new Error(`the probe ended with ${status}`);
	return text.trimEnd().split('\n').map((line) => JSON.parse(line));
}

const files = readdirSync(corpus).sort().map((name) => readFileSync(join(corpus, name)));
const messages = files.map((bytes) => ({ kind: bytes[0] & 1 ? 'r' : 'q', bytes: bytes.subarray(1) }));
const pool = messages.map((m) => m.bytes);
for (let i = 0; i < rounds; i++) {
	const from = messages[random(files.length)];
	messages.push({ kind: from.kind, bytes: mutate(from.bytes, pool) });
}

// llhttp knows a list of methods; ours takes any token. An upgrade ends node's part of the connection, and of ours nothing. A
// 103 that says "Connection: close" ends the connection for node, and for ours the final answer says so.
const excused = new Set(['HPE_INVALID_METHOD', 'HPE_PAUSED_UPGRADE', 'HPE_CLOSED_CONNECTION']);
const answers = await ours(messages.map((m) => `${m.kind} ${m.bytes.toString('hex')}\n`));
let both = 0, stricter = 0, neither = 0, wrong = 0;
messages.forEach((m, i) => {
	const our = answers[i], their = nodes(m.kind, m.bytes);
	if (our.error !== undefined) {
		their.error === undefined ? stricter++ : neither++;
		return;
	}
	const head = our.head.map((hex) => Buffer.from(hex, 'hex').toString('latin1')), body = our.body.join('');
	if (their.error === undefined && JSON.stringify(head) === JSON.stringify(their.head) && body === their.body &&
	    our.status === their.status && our.minor === their.minor) {
		both++;
	} else if (!excused.has(their.error) && !their.upgrade) {
		wrong++;
		if (wrong <= 10)
			console.log('different:', m.kind, JSON.stringify(m.bytes.toString('latin1')), '\n  ours ', JSON.stringify({ ...our, head, body }), '\n  node ', JSON.stringify(their));
	}
});
console.log(`${messages.length} messages: ${both} taken alike, ${stricter} refused by ours alone, ${neither} by both, ${wrong} different`);
process.exit(wrong ? 1 : 0);
