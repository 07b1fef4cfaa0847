/* SPDX-License-Identifier: Apache-2.0 */
/* actors/prompts.c - the words of the pipeline's questions, and which fields an answer to each must have. Text only. */
#include "actors/prompts.h"

#define FIELD(n, req)                                                                                        \
	{                                                                                                    \
		{(n), sizeof(n) - 1}, (req)                                                                  \
	}
#define TEXT(t)                                                                                              \
	{                                                                                                    \
		(t), sizeof(t) - 1                                                                           \
	}

static const weft_answer_field message_fields[] = {
        FIELD("thought", true), FIELD("providers", false), FIELD("actions", true),
        FIELD("text", false),   FIELD("simple", false),
};

static const weft_answer_field respond_fields[] = {
        FIELD("name", false),
        FIELD("reasoning", false),
        FIELD("action", true),
};

static const weft_answer_field decision_fields[] = {
        FIELD("thought", true),     FIELD("providers", false), FIELD("action", false),
        FIELD("parameters", false), FIELD("is_finish", false),
};

static const weft_answer_field summary_fields[] = {
        FIELD("thought", false),
        FIELD("text", true),
};

static const weft_answer_field image_fields[] = {
        FIELD("title", false),
        FIELD("description", true),
        FIELD("text", false),
};

#define CLOSING                                                                                              \
	"Answer with one <response> element and nothing before or after it."                                 \
	"{{complaint}}"

static const char message_source[] =
        "{{system}}\n\n"
        "<task>Decide what {{agent_name}} says and does next.</task>\n\n"
        "<state>\n{{state}}\n</state>\n\n"
        "<instructions>\n"
        "- thought: one or two sentences on what {{agent_name}} wants to do.\n"
        "- providers: a comma list of providers whose information is needed first; usually empty.\n"
        "- actions: a comma list of actions in the order to run them. REPLY first when there is something to say; "
        "IGNORE alone when there is not.\n"
        "- text: what {{agent_name}} says next.\n"
        "- simple: true when REPLY is the only action and no provider is needed.\n"
        "</instructions>\n\n"
        "<output>\n"
        "<response>\n"
        "  <thought>...</thought>\n"
        "  <providers></providers>\n"
        "  <actions>REPLY</actions>\n"
        "  <text>...</text>\n"
        "  <simple>true</simple>\n"
        "</response>\n"
        "</output>\n" CLOSING;

static const char respond_source[] =
        "<task>Decide whether {{agent_name}} should answer the last message of this conversation.</task>\n\n"
        "<state>\n{{state}}\n</state>\n\n"
        "<instructions>\n"
        "- RESPOND when the message is meant for {{agent_name}}, or carries on a conversation with {{agent_name}}.\n"
        "- IGNORE when it is meant for somebody else or needs no answer.\n"
        "- STOP when {{agent_name}} was asked to be quiet.\n"
        "</instructions>\n\n"
        "<output>\n"
        "<response>\n"
        "  <name>{{agent_name}}</name>\n"
        "  <reasoning>...</reasoning>\n"
        "  <action>RESPOND | IGNORE | STOP</action>\n"
        "</response>\n"
        "</output>\n" CLOSING;

static const char decision_source[] =
        "{{system}}\n\n"
        "<task>Decide the next step of {{agent_name}}. This is round {{round}} of at most {{rounds_max}}.</task>\n\n"
        "<state>\n{{state}}\n</state>\n\n"
        "<done_so_far>\n{{trace}}\n</done_so_far>\n\n"
        "<instructions>\n"
        "- thought: what is still missing, and why this step helps.\n"
        "- providers: a comma list of providers to read before the next round; may be empty.\n"
        "- action: one action to run now, or empty.\n"
        "- parameters: a JSON object with the action's parameters; may be empty.\n"
        "- is_finish: true when the task is done; nothing is run then.\n"
        "</instructions>\n\n"
        "<output>\n"
        "<response>\n"
        "  <thought>...</thought>\n"
        "  <providers></providers>\n"
        "  <action></action>\n"
        "  <parameters></parameters>\n"
        "  <is_finish>true | false</is_finish>\n"
        "</response>\n"
        "</output>\n" CLOSING;

static const char summary_source[] =
        "{{system}}\n\n"
        "<task>Tell the user in {{agent_name}}'s words what was done and found.</task>\n\n"
        "<state>\n{{state}}\n</state>\n\n"
        "<done_so_far>\n{{trace}}\n</done_so_far>\n\n"
        "<output>\n"
        "<response>\n"
        "  <thought>...</thought>\n"
        "  <text>...</text>\n"
        "</response>\n"
        "</output>\n" CLOSING;

static const char repair_source[] =
        "<task>The action {{action}} lacks parameters: {{missing}}. Find them in the conversation.</task>\n\n"
        "<message>\n{{message}}\n</message>\n\n"
        "<state>\n{{state}}\n</state>\n\n"
        "<output>\n"
        "One <response> element with a child element for each missing parameter.\n"
        "</output>\n" CLOSING;

static const char image_source[] =
        "<task>Describe the image for a reader who cannot see it.</task>\n\n"
        "<instructions>\n"
        "- title: a few words.\n"
        "- description: what is to be seen, in one to five sentences.\n"
        "- text: the words that can be read in the image; empty when there are none.\n"
        "</instructions>\n\n"
        "<output>\n"
        "<response>\n"
        "  <title>...</title>\n"
        "  <description>...</description>\n"
        "  <text>...</text>\n"
        "</response>\n"
        "</output>\n"
        "Answer with one <response> element and nothing before or after it.";

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct weft__question_spec weft__questions[WEFT__QUESTION_COUNT] = {
        [WEFT__ASK_MESSAGE] = {"message", TEXT(message_source), message_fields, COUNT(message_fields),
                               WEFT_MODEL_TEXT_LARGE},
        [WEFT__ASK_RESPOND] = {"should respond", TEXT(respond_source), respond_fields, COUNT(respond_fields),
                               WEFT_MODEL_TEXT_SMALL},
        [WEFT__ASK_DECISION] = {"multi-step decision", TEXT(decision_source), decision_fields,
                                COUNT(decision_fields), WEFT_MODEL_TEXT_LARGE},
        [WEFT__ASK_SUMMARY] = {"multi-step summary", TEXT(summary_source), summary_fields,
                               COUNT(summary_fields), WEFT_MODEL_TEXT_LARGE},
        [WEFT__ASK_REPAIR] = {"parameter repair", TEXT(repair_source), NULL, 0, WEFT_MODEL_TEXT_SMALL},
};

const struct weft__question_spec weft__image_question = {"image description", TEXT(image_source), image_fields,
                                                         COUNT(image_fields), WEFT_MODEL_IMAGE_DESCRIPTION};
