/* SPDX-License-Identifier: Apache-2.0 */
/* weft/weft.h - all of weft's public interface. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include <weft/actor.h>
#include <weft/agent.h>
#include <weft/alloc.h>
#include <weft/anthropic.h>
#include <weft/async.h>
#include <weft/base.h>
#include <weft/batch.h>
#include <weft/cache.h>
#include <weft/codec.h>
#include <weft/durable.h>
#include <weft/error.h>
#include <weft/event.h>
#include <weft/exec.h>
#include <weft/flight.h>
#include <weft/gate.h>
#include <weft/graph.h>
#include <weft/index.h>
#include <weft/json.h>
#include <weft/mcp.h>
#include <weft/memory.h>
#include <weft/metrics.h>
#include <weft/mock_llm.h>
#include <weft/model.h>
#include <weft/openai.h>
#include <weft/openapi.h>
#include <weft/permission.h>
#include <weft/plugin.h>
#include <weft/port.h>
#include <weft/record.h>
#include <weft/runtime.h>
#include <weft/sim.h>
#include <weft/supervisor.h>
#include <weft/tool.h>
#include <weft/uuid.h>
#include <weft/validate.h>
#include <weft/vector.h>

#endif
