// SPDX-License-Identifier: Apache-2.0
// bench/peers/io/node.mjs - many streamed answers at once by the openai package on node, for scripts/peers io.
//
// node.mjs ITEM WORKERS REPETITIONS URL STREAMS TOKENS: see curl.c, which does the same work.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [item, workers, , url, streamsText, tokensText] = process.argv.slice(2);
const streams = Number(streamsText), tokens = Number(tokensText);
if (workers !== '1')
  process.exit(3); // one thread drives all of them

const { default: OpenAI } = createRequire(`${process.cwd()}/`)('openai');
const client = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0, timeout: 120000 });
const content = Array.from({ length: tokens }, (_, i) => i).join(' ');
let events = 0;

async function one() {
  let next = 0;
  const stream = await client.chat.completions.create(
    { model: 'mock', stream: true, messages: [{ role: 'user', content }] });
  for await (const chunk of stream) {
    events++;
    for (const number of (chunk.choices[0]?.delta?.content ?? '').match(/\d+/g) ?? []) {
      if (Number(number) !== next++)
        throw new Error('a number is missing, or out of order');
    }
  }
  if (next !== tokens)
    throw new Error('a stream is not whole');
}

const peakKb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
const rssKb = process.memoryUsage().rss / 1024, cpu = process.cpuUsage();
try {
  await Promise.all(Array.from({ length: streams }, one));
  const used = process.cpuUsage(cpu);
  events += streams; // [DONE], which the package keeps to itself
  console.log(JSON.stringify({ item: `${item}-cpu`, unit: 'us', values: [(used.user + used.system) / events], peak_rss_mb: peakKb() / 1024 }));
  console.log(JSON.stringify({ item: `${item}-memory`, unit: 'KB', values: [(peakKb() - rssKb) / streams] }));
} catch (error) {
  console.log(JSON.stringify({ item: `${item}-cpu`, why: String(error.message ?? error) }));
}
