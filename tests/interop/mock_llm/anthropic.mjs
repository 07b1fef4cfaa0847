// SPDX-License-Identifier: Apache-2.0
// Anthropic's SDK against `weft mock-llm`: what it makes of the answers is compared.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: process.argv[2], apiKey: 'sk-mock', maxRetries: 0 });
const user = (content) => ({ model: 'mock', max_tokens: 100, messages: [{ role: 'user', content }] });

const whole = await client.messages.create(user('hello'));
assert.equal(whole.content[0].text, 'You said: hello');
assert.equal(whole.stop_reason, 'end_turn');

const stream = client.messages.stream(user('hello'));
let text = '';
stream.on('text', (piece) => { text += piece; });
const last = await stream.finalMessage();
assert.equal(text, 'You said: hello');
assert.equal(last.content[0].text, text);
assert.equal(last.usage.output_tokens, whole.usage.output_tokens);

const thought = await client.messages.stream(user('think')).finalMessage();
assert.deepEqual(thought.content.map((block) => [block.type, block.thinking ?? block.text]), [['thinking', 'two and two'], ['text', 'four']]);

const tools = [{ name: 'weather', input_schema: { type: 'object' } }];
const calls = await client.messages.stream({ ...user('the weather, please'), tools }).finalMessage();
assert.equal(calls.stop_reason, 'tool_use');
assert.deepEqual(calls.content.map((block) => block.input.city), ['Oslo', 'Córdoba']);
const answer = await client.messages.create({
	...user('the weather, please'), tools,
	messages: [
		{ role: 'user', content: 'the weather, please' },
		{ role: 'assistant', content: calls.content },
		{ role: 'user', content: calls.content.map((block) => ({ type: 'tool_result', tool_use_id: block.id, content: 'fine' })) },
	],
});
assert.equal(answer.content[0].text, 'Rain in Oslo, sun in Córdoba.');

await assert.rejects(client.messages.create({ ...user('x'), messages: [] }), Anthropic.BadRequestError);
await assert.rejects(client.messages.create(user('gone')), (e) => e instanceof Anthropic.InternalServerError && e.status === 503);
await assert.rejects(new Anthropic({ baseURL: process.argv[2], apiKey: 'no', maxRetries: 0 }).messages.create(user('x')), Anthropic.AuthenticationError);
console.log('ok: Anthropic SDK');
