// SPDX-License-Identifier: Apache-2.0
// bench/peers/agents/eliza.mjs - scenarios of weft's own file, by @elizaos/core, its store in memory, with a scripted model.
//
//   node --expose-gc eliza.mjs SCENARIOS.json ITEM ITERATIONS WARMUP
//
// As in weft's bench: each iteration has a fresh runtime, whose making is not measured (but of startup-cold), and the
// model answers at once, with the same answers. A message that is not answered leaves the item without a figure.
import { readFileSync } from 'node:fs';

import { Entry, leave } from './measure.mjs';

process.env.LOG_LEVEL ??= 'fatal';
const { AgentRuntime, InMemoryDatabaseAdapter, ModelType } = await import('@elizaos/core');

const id = (block, n) => `00000000-0000-0000-${block}-${String(n).padStart(12, '0')}`;
const AGENT = id('0000', 1), USER = id('0000', 2), ROOM = id('0000', 3), WORLD = id('0000', 4);
const CHARACTER = {
  name: 'BenchmarkAgent', bio: ['A benchmark agent used for framework performance testing.'],
  system: 'You are a benchmark agent. Respond concisely.', messageExamples: [], adjectives: ['fast', 'efficient'],
  topics: ['benchmarking'], style: { all: ['concise', 'direct'], chat: ['concise'], post: ['concise'] }, secrets: {},
  advancedPlanning: false, advancedMemory: false,
  settings: { ALLOW_NO_DATABASE: 'true', USE_MULTI_STEP: 'false', VALIDATION_LEVEL: 'trusted' },
};

// ---- plugins: a model, actions, providers -------------------------------------------------------

const tagged = fields =>
  `<response>\n${Object.entries(fields).map(([k, v]) => `  <${k}>${v}</${k}>`).join('\n')}\n</response>`;
const REPLY = tagged({ thought: 'Replying with a fixed text.', actions: 'REPLY', providers: '',
  text: 'This is a fixed benchmark response.', simple: 'true' });
const ACT = tagged({ thought: 'Acting.', actions: 'BENCH_ACTION,BENCH_ACTION_TWO', providers: '',
  text: 'Working on it.', simple: 'false' });
const RESPOND = tagged({ name: 'BenchmarkAgent', reasoning: 'The message is directed at me.', action: 'RESPOND' });
const REFLECT = tagged({ thought: 'Nothing to add.', facts: '', relationships: '' });

let actionsRun = 0;

function model(answer) {
  const large = async (_runtime, { prompt = '' } = {}) =>
    /Generate Agent Reflection|Extract Facts/.test(prompt) ? REFLECT : answer;
  return { name: 'scripted-model', description: 'answers at once', models: {
    [ModelType.TEXT_SMALL]: async () => RESPOND,
    [ModelType.TEXT_LARGE]: large,
    ...(ModelType.TEXT_COMPLETION ? { [ModelType.TEXT_COMPLETION]: large } : {}),
    [ModelType.TEXT_EMBEDDING]: async () => new Array(384).fill(0),
  } };
}

const action = name => ({
  name, description: `${name} of the bench`, similes: [], examples: [], validate: async () => true,
  handler: async (_runtime, _message, _state, _options, callback) => {
    actionsRun++;
    await callback?.({ text: 'done' });
    return { success: true, text: `${name} done`, values: { n: 1 }, data: { actionName: name } };
  },
});

const provider = n => ({
  name: `BENCHMARK_DUMMY_${n}`, description: `Dummy provider ${n}`,
  get: async () => ({ text: `Dummy provider ${n} context data.`, values: { [`dummy_${n}`]: `value_${n}` }, data: {} }),
});

function plugins(config) {
  const found = [model(config.custom_actions ? ACT : REPLY)];
  if (config.custom_actions)
    found.push({ name: 'bench-actions', description: 'two', actions: ['BENCH_ACTION', 'BENCH_ACTION_TWO'].map(action) });
  if (config.dummy_providers)
    found.push({ name: 'dummies', description: 'many',
      providers: Array.from({ length: config.dummy_providers }, (_, n) => provider(n)) });
  return found;
}

// ---- a runtime ------------------------------------------------------------------------------------

const memory = (block, n, text, createdAt, roomId = ROOM) => ({ id: id(block, n), agentId: AGENT, entityId: USER, roomId,
  content: { text, source: 'benchmark' }, createdAt });
// one item or a list of them: releases differ
const put = (adapter, m) => adapter.createMemories ? adapter.createMemories([{ memory: m, tableName: 'messages' }])
  : adapter.createMemory(m, 'messages');
const get = (adapter, memoryId) => adapter.getMemoriesByIds ? adapter.getMemoriesByIds([memoryId], 'messages')
  : adapter.getMemoryById(memoryId);

async function addRoom(adapter, room) {
  const description = { id: room, name: 'BenchmarkRoom', agentId: AGENT, source: 'benchmark', type: 'GROUP', worldId: WORLD };
  await (adapter.createRooms ? adapter.createRooms([description]) : adapter.createRoom(description));
  await (adapter.createRoomParticipants ? adapter.createRoomParticipants([USER, AGENT], room)
    : adapter.addParticipantsRoom([USER, AGENT], room));
}

async function runtimeUp(config, rooms = [ROOM]) {
  const adapter = new InMemoryDatabaseAdapter();
  const runtime = new AgentRuntime({ agentId: AGENT, character: { ...CHARACTER }, plugins: plugins(config), adapter,
    checkShouldRespond: config.check_should_respond ?? false, logLevel: 'fatal',
    enableExtendedCapabilities: config.bare ? false : undefined });
  const world = { id: WORLD, name: 'BenchmarkWorld', agentId: AGENT, messageServerId: 'benchmark' };

  await runtime.initialize({ allowNoDatabase: true });
  await (adapter.createWorlds ? adapter.createWorlds([world]) : adapter.createWorld(world));
  await adapter.createEntities([{ id: AGENT, names: ['BenchmarkAgent'], agentId: AGENT },
    { id: USER, names: ['BenchmarkUser'], agentId: AGENT }]);
  for (const room of rooms)
    await addRoom(adapter, room);
  for (let n = 0; n < (config.history ?? 0); n++)
    await put(adapter, memory('1000', n, `Historical message number ${n + 1} for benchmark testing.`,
      Date.now() - (config.history - n) * 1000));
  return runtime;
}

async function runtimeDown(runtime) {
  await runtime.stop?.();
  await runtime.adapter.close?.();
}

// ---- stages ------------------------------------------------------------------------------------------

const STAGES = [['runtime', 'composeState', 'compose_state_avg_ms'], ['runtime', 'useModel', 'model_call_avg_ms'],
  ['runtime', 'processActions', 'action_dispatch_avg_ms'], ['runtime', 'evaluate', 'evaluator_avg_ms'],
  ['adapter', 'createMemory', 'memory_create_avg_ms'], ['adapter', 'createMemories', 'memory_create_avg_ms'],
  ['adapter', 'getMemories', 'memory_get_avg_ms']];
const spent = new Map();
const SETTLE = 8; // messages in a room with a history before one is measured, as weft's bench has them

function time(object, name, key) {
  const original = object[name]?.bind(object);
  if (!original)
    return;
  object[name] = async (...args) => {
    const start = performance.now();
    try {
      return await original(...args);
    } finally {
      const [ms, runs] = spent.get(key) ?? [0, 0];
      spent.set(key, [ms + performance.now() - start, runs + 1]);
    }
  };
}

// ---- iterations: milliseconds of one, and how many messages it had ------------------------------------

async function messages(scenario, measured) {
  const { config, texts } = scenario;
  const rooms = config.room_per_message ? texts.map((_, n) => id('5000', n)) : [ROOM];
  const runtime = await runtimeUp(config, rooms);
  // burst-*: a room of eliza gives up on a message for a newer one, so there they come one after another
  const atOnce = config.concurrent && !scenario.id.startsWith('burst-');
  let answered = 0;

  const send = async (text, n) => {
    const message = memory('2000', n, text, Date.now(), config.room_per_message ? rooms[n] : ROOM);
    const result = await runtime.messageService.handleMessage(runtime, message, async () => []);
    answered += result?.responseContent ? 1 : 0;
  };
  for (let n = 0; config.history && n < SETTLE; n++)
    await send(texts[0], 1000 + n);
  answered = actionsRun = 0;
  if (measured)
    for (const [part, name, key] of STAGES)
      time(part === 'runtime' ? runtime : runtime.adapter, name, key);
  const start = performance.now();
  if (atOnce)
    await Promise.all(texts.map(send));
  else
    for (const [n, text] of texts.entries())
      await send(text, n);
  const ms = performance.now() - start;
  await runtimeDown(runtime);
  if (answered !== texts.length)
    leave(scenario.id, `${answered} of ${texts.length} messages were answered`);
  if (config.custom_actions && actionsRun !== 2 * texts.length)
    leave(scenario.id, `${actionsRun} actions ran instead of ${2 * texts.length}`);
  return [ms, texts.length];
}

async function store({ id: item, config }) {
  const runtime = await runtimeUp(config), { adapter } = runtime, writes = config.db === 'write';
  const write = async () => {
    for (let n = 0; n < config.db_count; n++)
      await put(adapter, memory('3000', n, `Write benchmark message ${n}`, Date.now()));
  };
  const read = async () => {
    for (let n = 0; n < config.db_count; n++)
      if (![await get(adapter, id('3000', n))].flat()[0])
        leave(item, `memory ${n} is not there`);
  };
  if (!writes)
    await write();
  const start = performance.now();
  await (writes ? write() : read());
  const ms = performance.now() - start;
  await runtimeDown(runtime);
  return [ms, config.db_count];
}

async function startup({ config }) {
  const start = performance.now(), runtime = await runtimeUp(config), ms = performance.now() - start;
  await runtimeDown(runtime);
  return [ms, 1];
}

// ---- the command ----------------------------------------------------------------------------------------

const [file, item, iterations, warmup] = process.argv.slice(2);
const scenario = JSON.parse(readFileSync(file, 'utf8')).scenarios.find(s => s.id === item) ?? process.exit(3);
scenario.texts = Array.isArray(scenario.messages) ? scenario.messages
  : Array.from({ length: scenario.messages.generate }, (_, n) => `BenchmarkAgent, benchmark message number ${n + 1}.`);
const run = scenario.config.db ? store : scenario.config.startup_only ? startup : messages;

try {
  const entry = new Entry(item, Number(iterations), Number(warmup));
  for (let i = 0; i < entry.warmup; i++)
    await run(scenario, false);
  entry.begin();
  for (let i = 0; i < entry.iterations; i++)
    entry.add(...await run(scenario, true));
  entry.stages = Object.fromEntries([...spent].map(([key, [ms, runs]]) => [key, ms / runs]));
  entry.print();
  process.exit(0); // whatever the runtime keeps running
} catch (error) {
  leave(item, error.message ?? error);
}
