// SPDX-License-Identifier: Apache-2.0
// OpenAI's SDK against `weft mock-llm`: what it makes of the answers is compared.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'sk-mock', maxRetries: 3 });
const user = (content) => ({ model: 'mock', messages: [{ role: 'user', content }] });

const whole = await client.chat.completions.create(user('hello'));
assert.equal(whole.choices[0].message.content, 'You said: hello');
assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);

let text = '', usage = null;
for await (const chunk of await client.chat.completions.create({ ...user('hello'), stream: true, stream_options: { include_usage: true } })) {
	text += chunk.choices[0]?.delta.content ?? '';
	usage = chunk.usage ?? usage;
}
assert.equal(text, 'You said: hello');
assert.deepEqual(usage, whole.usage);

// The SDK's own tool loop, streaming: parallel calls whose arguments arrive in pieces.
const cities = [];
const runner = client.chat.completions.runTools({
	...user('the weather, please'),
	stream: true,
	tools: [{
		type: 'function',
		function: {
			name: 'weather', parse: JSON.parse, parameters: { type: 'object', properties: { city: { type: 'string' } } },
			function: ({ city }) => { cities.push(city); return 'fine'; },
		},
	}],
});
assert.equal(await runner.finalContent(), 'Rain in Oslo, sun in Córdoba.');
assert.deepEqual(cities.sort(), ['Córdoba', 'Oslo']);

// A call that has to be, and an answer of a schema.
const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 3 } }, required: ['n'], additionalProperties: false };
const forced = await client.chat.completions.create({ ...user('x'), tool_choice: 'required', tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] });
assert.deepEqual(JSON.parse(forced.choices[0].message.tool_calls[0].function.arguments), { n: 3 });
const format = { type: 'json_schema', json_schema: { name: 's', strict: true, schema } };
assert.deepEqual((await client.chat.completions.parse({ ...user('x'), response_format: format })).choices[0].message.parsed, { n: 3 });

// Retried by the SDK until it works; given up where it does not.
assert.equal((await client.chat.completions.create(user('busy'))).choices[0].message.content, 'here I am');
await assert.rejects(client.chat.completions.create(user('gone'), { maxRetries: 0 }), (e) => e instanceof OpenAI.InternalServerError && e.status === 503 && /gone for now/.test(e.message));
await assert.rejects(client.chat.completions.create({ ...user('x'), temperature: 9 }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'temperature');
await assert.rejects(new OpenAI({ baseURL: process.argv[2], apiKey: 'no', maxRetries: 0 }).chat.completions.create(user('x')), OpenAI.AuthenticationError);

// A stream that breaks is an error, behind the text that came.
text = '';
await assert.rejects((async () => {
	for await (const chunk of await client.chat.completions.create({ ...user('cut'), stream: true }))
		text += chunk.choices[0]?.delta.content ?? '';
})());
assert.equal(text, 'one two');

// The SDK asks for base64 when nothing is said.
const packed = await client.embeddings.create({ model: 'e', input: ['a b', 'c'], dimensions: 64 });
const plain = await client.embeddings.create({ model: 'e', input: ['a b', 'c'], dimensions: 64, encoding_format: 'float' });
assert.equal(packed.data.length, 2);
for (const i of [0, 1])
	assert.deepEqual(packed.data[i].embedding.map(Math.fround), plain.data[i].embedding.map(Math.fround));

const models = [];
for await (const model of client.models.list())
	models.push(model.id);
assert.deepEqual(models, ['mock', 'mock-embedding']);

const many = await Promise.all(Array.from({ length: 200 }, (_, i) => client.chat.completions.create(user(`number ${i}`))));
many.forEach((answer, i) => assert.equal(answer.choices[0].message.content, `You said: number ${i}`));
console.log('ok: openai SDK', OpenAI.VERSION ?? '');
