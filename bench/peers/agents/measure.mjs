// SPDX-License-Identifier: Apache-2.0
// bench/peers/agents/measure.mjs - what the programs beside it share: the clock, memory, and the line that they print.
//
// A line is one entry of a result file (bench/result.schema.json) with its raw values alone; agents.py puts the rounds
// together and makes the statistics.
import { readFileSync } from 'node:fs';

const peakKb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
const rssMb = () => process.memoryUsage.rss() / 2 ** 20;

/** Measured times of an item; messages: of all of them. */
export class Entry {
  constructor(id, iterations, warmup) {
    Object.assign(this, { id, iterations, warmup, rawMs: [], spentMs: 0, messages: 0, startMb: 0, stages: {} });
  }

  /** The warm-ups are over. */
  begin() {
    globalThis.gc?.();
    this.startMb = rssMb();
  }

  /** A value, and how many messages and milliseconds are behind it. */
  add(ms, messages, spentMs = ms) {
    this.rawMs.push(ms);
    this.spentMs += spentMs;
    this.messages += messages;
  }

  print() {
    const endMb = rssMb();
    console.log(JSON.stringify({ id: this.id, entry: {
      iterations: this.iterations, warmup: this.warmup,
      latency: { raw_ms: this.rawMs },
      throughput: { total_messages: this.messages, total_time_ms: this.spentMs },
      pipeline: this.stages,
      resources: { memory_rss_start_mb: this.startMb, memory_rss_peak_mb: peakKb() / 1024, memory_rss_end_mb: endMb,
        memory_delta_mb: endMb - this.startMb },
    } }));
  }
}

/** There is no figure, and this is why. */
export function leave(id, why) {
  console.log(JSON.stringify({ id, why: String(why).split('\n')[0].slice(0, 300) }));
  process.exit(0);
}
