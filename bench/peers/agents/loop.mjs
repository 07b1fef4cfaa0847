// SPDX-License-Identifier: Apache-2.0
// bench/peers/agents/loop.mjs - the agent loop of npm frameworks, with a scripted model that answers at once.
//
//   node --expose-gc loop.mjs FRAMEWORK ITEM ITERATIONS WARMUP BATCH_MS
//
// One run is one invocation of an agent that exists already: so many calls of a calculator, one after another, and a
// text. Each run is checked: the text, and that the tool ran as often as it should. An iteration is as many runs as take
// BATCH_MS, its value the mean of a run (of concurrent-agents-50: of fifty at once).
import { Entry, leave } from './measure.mjs';

const STEPS = [{ operation: 'add', a: 5, b: 3 }, { operation: 'multiply', a: 8, b: 2 }, { operation: 'subtract', a: 16, b: 4 }];
const SYSTEM = 'You are a calculator agent', QUESTION = 'Calculate (5 + 3) * 2 - 4', ANSWER = 'The final result is 12';
const TOOL = { name: 'calculator', description: 'Performs arithmetic' };
const ITEMS = { 'agent-no-tools': { tools: 0 }, 'agent-1-tool': { tools: 1 }, 'agent-3-tools': { tools: 3 },
  'concurrent-agents-50': { tools: 0, atOnce: 50 } };

let calls = 0;
function calculate({ operation, a, b }) {
  calls++;
  return { result: operation === 'add' ? a + b : operation === 'multiply' ? a * b : a - b };
}

/** Each gives a function that runs an agent with so many tool calls and resolves to its text. */
const frameworks = {
  // No framework: what a program has to do in any case. Schemas are listed, arguments parsed, results serialised, and a
  // call that comes again is not run again.
  async plain(tools) {
    const parameters = { type: 'object', required: ['operation', 'a', 'b'],
      properties: { operation: { type: 'string' }, a: { type: 'number' }, b: { type: 'number' } } };
    const schema = { type: 'function', function: { ...TOOL, parameters } };
    const registry = new Map([[TOOL.name, { schema, run: async x => calculate(x) }]]);
    const schemas = tools ? [...registry.values()].map(t => t.schema) : undefined;
    const model = async ({ messages }) => {
      const done = messages.filter(m => m.role === 'tool').length;
      return done < tools
        ? { content: '', calls: [{ id: `call_${done}`, name: TOOL.name, arguments: JSON.stringify(STEPS[done]) }] }
        : { content: ANSWER, calls: [] };
    };

    return async () => {
      const messages = [{ role: 'system', content: SYSTEM }, { role: 'user', content: QUESTION }], seen = new Map();
      for (let turn = 0; turn < 10; turn++) {
        const answer = await model({ messages, tools: schemas });
        messages.push({ role: 'assistant', content: answer.content, tool_calls: answer.calls });
        if (!answer.calls.length)
          return answer.content;
        for (const call of answer.calls) {
          const key = `${call.name}\0${call.arguments}`;
          if (!seen.has(key))
            seen.set(key, JSON.stringify(await registry.get(call.name).run(JSON.parse(call.arguments))));
          messages.push({ role: 'tool', tool_call_id: call.id, content: seen.get(key) });
        }
      }
      return '';
    };
  },

  async langgraph(tools) {
    const { createReactAgent } = await import('@langchain/langgraph/prebuilt');
    const { BaseChatModel } = await import('@langchain/core/language_models/chat_models');
    const { AIMessage } = await import('@langchain/core/messages');
    const { tool } = await import('@langchain/core/tools');
    const { z } = await import('zod');

    class Scripted extends BaseChatModel {
      constructor() {
        super({});
      }
      _llmType() {
        return 'scripted';
      }
      bindTools() {
        return this;
      }
      async _generate(messages) {
        const done = messages.filter(m => m.getType() === 'tool').length;
        const call = { id: `call_${done}`, name: TOOL.name, args: STEPS[done], type: 'tool_call' };
        const message = done < tools ? new AIMessage({ content: '', tool_calls: [call] }) : new AIMessage(ANSWER);
        return { generations: [{ text: String(message.content), message }] };
      }
    }
    const schema = z.object({ operation: z.string(), a: z.number(), b: z.number() });
    const calculator = tool(async x => JSON.stringify(calculate(x)), { ...TOOL, schema });
    const agent = createReactAgent({ llm: new Scripted(), tools: tools ? [calculator] : [], prompt: SYSTEM });

    return async () => (await agent.invoke({ messages: [{ role: 'user', content: QUESTION }] })).messages.at(-1).content;
  },

  async 'openai-agents'(tools) {
    const { Agent, Runner, Usage, setTracingDisabled, tool } = await import('@openai/agents');
    const { z } = await import('zod');

    setTracingDisabled(true);
    const parameters = z.object({ operation: z.string(), a: z.number(), b: z.number() });
    const calculator = tool({ ...TOOL, parameters, execute: async x => JSON.stringify(calculate(x)) });
    const model = {
      async getResponse({ input }) {
        const done = Array.isArray(input) ? input.filter(i => i.type === 'function_call_result').length : 0;
        const common = { status: 'completed' };
        return { usage: new Usage(), output: [done < tools
          ? { ...common, type: 'function_call', callId: `call_${done}`, name: TOOL.name, arguments: JSON.stringify(STEPS[done]) }
          : { ...common, type: 'message', role: 'assistant', content: [{ type: 'output_text', text: ANSWER }] }] };
      },
      async *getStreamedResponse() {},
    };
    const agent = new Agent({ name: 'calculator', instructions: SYSTEM, model, tools: tools ? [calculator] : [] });
    const runner = new Runner({ tracingDisabled: true });

    return async () => (await runner.run(agent, QUESTION)).finalOutput;
  },

  async ai(tools) {
    const { generateText, stepCountIs, tool } = await import('ai');
    const { z } = await import('zod');

    const usage = {
      inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 5, text: 5, reasoning: 0 },
    };
    const model = {
      specificationVersion: 'v3', provider: 'scripted', modelId: 'scripted', supportedUrls: {},
      async doGenerate({ prompt }) {
        // several results may stand in one message
        const parts = prompt.flatMap(m => m.role === 'tool' ? m.content : []);
        const done = parts.filter(part => part.type === 'tool-result').length;
        return done < tools
          ? { content: [{ type: 'tool-call', toolCallId: `call_${done}`, toolName: TOOL.name,
                input: JSON.stringify(STEPS[done]) }],
              finishReason: { unified: 'tool-calls', raw: 'tool_calls' }, usage, warnings: [] }
          : { content: [{ type: 'text', text: ANSWER }], finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] };
      },
      async doStream() {
        throw new Error('not asked for streams');
      },
    };
    const inputSchema = z.object({ operation: z.string(), a: z.number(), b: z.number() });
    const calculator = tool({ description: TOOL.description, inputSchema, execute: async x => calculate(x) });

    const asked = { model, system: SYSTEM, prompt: QUESTION, tools: tools ? { calculator } : undefined,
      stopWhen: stepCountIs(10), maxRetries: 0 };

    return async () => (await generateText(asked)).text;
  },
};

const [framework, item, iterations, warmup, batchMs] = process.argv.slice(2);
const { tools, atOnce = 1 } = ITEMS[item] ?? process.exit(3);

async function checked(run) {
  const text = await run();
  if (text !== ANSWER)
    throw new Error(`it answered ${JSON.stringify(text)}`);
}

/** Milliseconds of so many runs (or fifties), one after another. */
async function batch(run, count) {
  const before = calls, start = performance.now();
  for (let i = 0; i < count; i++)
    await (atOnce === 1 ? checked(run) : Promise.all(Array.from({ length: atOnce }, () => checked(run))));
  const ms = performance.now() - start;
  if (calls - before !== count * tools)
    throw new Error(`${calls - before} tool calls instead of ${count * tools}`);
  return ms;
}

try {
  const run = await frameworks[framework](tools), entry = new Entry(item, Number(iterations), Number(warmup));
  let count = 1;
  for (let left = entry.warmup; left > 0; left--) { // compiled by then, and the size of a batch known
    for (let ms = 0; ms < batchMs;) {
      ms = await batch(run, count);
      if (ms < batchMs)
        count = Math.ceil(count * Math.min(batchMs * 1.1 / ms, 10));
    }
  }
  entry.begin();
  for (let i = 0; i < entry.iterations; i++) {
    const ms = await batch(run, count);
    entry.add(ms / count, count * atOnce, ms);
  }
  entry.print();
  process.exit(0); // whatever a framework keeps running
} catch (error) {
  leave(item, error.message ?? error);
}
