"""Tool calls, reasoning and special tokens as models write them into their text."""

import json

ARGUMENTS = {"name": "Kitchen Light"}
BARE = '{"name": "HassTurnOn", "arguments": {"name": "Kitchen Light"}}'
OF_LLAMA = '{"name": "HassTurnOn", "parameters": {"name": "Kitchen Light"}}'
OF_OPENAI = '{"type": "function", "function": {"name": "HassTurnOn", "arguments": {"name": "Kitchen Light"}}}'
AS_TEXT = json.dumps({"name": "HassTurnOn", "arguments": json.dumps(ARGUMENTS)})
_JSON = json.dumps(ARGUMENTS)
_XML = '<parameter name="name">Kitchen Light</parameter>'
_CODER = "<function=HassTurnOn>\n<parameter=name>\nKitchen Light\n</parameter>\n</function>"
_PYTHON = 'HassTurnOn(name="Kitchen Light")'

CALLS = {
    "bare": BARE,
    "bare, of Llama": OF_LLAMA,
    "bare, of OpenAI": OF_OPENAI,
    "arguments as a text": AS_TEXT,
    "a list": f"[{BARE}]",
    "behind blanks": f"  \t{BARE}",
    "behind lines": f"\n\n {BARE}",
    "laid out": json.dumps(json.loads(BARE), indent=2),
    "a list of OpenAI's": json.dumps({"tool_calls": [json.loads(OF_OPENAI)]}),
    "by the tool's name": json.dumps({"HassTurnOn": ARGUMENTS}),
    "tool and args": json.dumps({"tool": "HassTurnOn", "args": ARGUMENTS}),
    "action and action_input": json.dumps({"action": "HassTurnOn", "action_input": ARGUMENTS}),
    "in a namespace": json.dumps({"name": "functions.HassTurnOn", "arguments": ARGUMENTS}),
    "a Python dict": "{'name': 'HassTurnOn', 'arguments': {'name': 'Kitchen Light'}}",
    "Hermes": f"<tool_call>\n{BARE}\n</tool_call>",
    "Hermes, not ended": f"<tool_call>{BARE}",
    "Hermes, ended by a special token": f"<tool_call>{BARE}<|im_end|>",
    "tool_calls": f"<tool_calls>[{BARE}]</tool_calls>",
    "functioncall": f"<functioncall> {BARE} </functioncall>",
    "functioncall, not ended": f"<functioncall> {AS_TEXT} <|endoftext|>",
    "functioncall with quotes": '<functioncall> {"name": "HassTurnOn", "arguments": \'{"name": "Kitchen Light"}\'}',
    "TOOLCALL": f"<TOOLCALL>[{BARE}]</TOOLCALL>",
    "Llama 3.1 function": f"<function=HassTurnOn>{_JSON}</function>",
    "Llama 3.1 function, not ended": f"<function=HassTurnOn>{_JSON}",
    "python_tag": f"<|python_tag|>{OF_LLAMA}",
    "python_tag with Python": f"<|python_tag|>{_PYTHON}<|eom_id|>",
    "Mistral": f"[TOOL_CALLS] [{BARE}]",
    "Mistral with ARGS": f"[TOOL_CALLS]HassTurnOn[ARGS]{_JSON}",
    "Mistral with an id": f"[TOOL_CALLS]HassTurnOn[CALL_ID]abc123[ARGS]{_JSON}",
    "Mistral without a mark": f"HassTurnOn[ARGS]{_JSON}</s>",
    "Mistral without ARGS": f"[TOOL_CALLS]HassTurnOn{_JSON}",
    "Qwen coder": f"<tool_call>\n{_CODER}\n</tool_call>",
    "Qwen coder without an opening": f"{_CODER}\n</tool_call>",
    "invoke": f'<function_calls>\n<invoke name="HassTurnOn">\n{_XML}\n</invoke>\n</function_calls>',
    "invoke alone": f'<invoke name="HassTurnOn">{_XML}</invoke>',
    "invoke in a namespace": f'<minimax:tool_call>\n<invoke name="HassTurnOn">{_XML}</invoke>\n</minimax:tool_call>',
    "GLM": "<tool_call>HassTurnOn\n<arg_key>name</arg_key>\n<arg_value>Kitchen Light</arg_value>\n</tool_call>",
    "tool_code": f"```tool_code\n{_PYTHON}\n```",
    "tool_code, printed": f"```tool_code\nprint(default_api.{_PYTHON})\n```",
    "fenced JSON": f"```json\n{BARE}\n```",
    "fenced, in one line": f"```{BARE}```",
    "Python": _PYTHON,
    "Python, printed": f"print({_PYTHON})",
    "Python with single quotes": "HassTurnOn(name='Kitchen Light')",
    "Python list of Llama 4": f"[{_PYTHON}]",
    "ReAct": f"Thought: They want light.\nAction: HassTurnOn\nAction Input: {_JSON}\nObservation: It is on.",
    "ReAct without a thought": f"Action: HassTurnOn\nAction Input: {_JSON}",
    "ReAct, bold": f"**Action:** HassTurnOn\n**Action Input:** {_JSON}",
    "ReAct with JSON": f"Action: {json.dumps({'action': 'HassTurnOn', 'action_input': ARGUMENTS})}",
    "Cohere": f'Action: ```json\n[{{"tool_name": "HassTurnOn", "parameters": {_JSON}}}]\n```',
    "Command R7B": f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "HassTurnOn", "parameters": {_JSON}}}]<|END_ACTION|>',
    "gpt-oss": f"<|channel|>commentary to=functions.HassTurnOn <|constrain|>json<|message|>{_JSON}<|call|>",
    "gpt-oss with thoughts": "<|channel|>analysis<|message|>They want light.<|end|><|start|>assistant<|channel|>commentary"
    f" to=functions.HassTurnOn <|constrain|>json<|message|>{_JSON}<|call|>",
    "gpt-oss, recipient first": f"<|start|>assistant to=functions.HassTurnOn<|channel|>commentary json<|message|>{_JSON}<|call|>",
    "DeepSeek V3": "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>HassTurnOn\n"
    f"```json\n{_JSON}\n```<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c>",
    "DeepSeek V3.1": "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>HassTurnOn<\uff5ctool\u2581sep\uff5c>"
    f"{_JSON}<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c><\uff5cend\u2581of\u2581sentence\uff5c>",
    "Kimi K2": "<|tool_calls_section_begin|><|tool_call_begin|>functions.HassTurnOn:0<|tool_call_argument_begin|>"
    f"{_JSON}<|tool_call_end|><|tool_calls_section_end|>",
    "Granite": f"<|tool_call|>[{BARE}]",
    "Phi": f"<|tool_call|>[{BARE}]<|/tool_call|>",
    "InternLM": f"<|action_start|><|plugin|>\n{OF_LLAMA}<|action_end|>",
}  # fmt: skip
"""Each calls HassTurnOn once, with ARGUMENTS; nothing of it is spoken."""

THOUGHTS = {
    "think": "<think>Is it 42? It is.</think>",
    "think with a tag in it": "<think>Is <b>it</b> 42?</think>",
    "thinking": "<thinking>\nIs it 42?\n</thinking>",
    "reasoning": "<reasoning>{not json</reasoning>",
    "thought": "<thought>Is it?</thought>",
    "in a namespace": "<seed:think>Is it?</seed:think>",
    "Magistral": "[THINK]Is it 42?[/THINK]",
    "Kimi": "\u25c1think\u25b7Is it 42?\u25c1/think\u25b7",
    "OpenThinker": "<|begin_of_thought|>Is it 42?<|end_of_thought|>",
    "Cohere": "<|START_THINKING|>Is it 42?<|END_THINKING|>",
    "a call in a thought": f"<think>{BARE}</think>",
    "gpt-oss": "<|channel|>analysis<|message|>Is it 42?<|end|><|start|>assistant<|channel|>final<|message|>",
    "ReAct": "Thought: Is it 42?\nFinal Answer:",
    "lone end": "Is it 42? It is.</think>",
    "lone end, of Magistral": "Is it 42? It is.[/THINK]",
    "lone end, of Kimi": "Is it 42? It is.\u25c1/think\u25b7",
    "lone end of two lines": "They ask.\n\nIs it < 42?\n</think>\n\n",
    "a call before a lone end": f"I could call {BARE} for it.</think>",
}
"""Reasoning before an answer, which is not spoken."""

MARKS = [
    "<|im_end|>", "<|im_start|>assistant\n", "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", "</s>", "<s>", "[INST]", "[/INST]",
    "<end_of_turn>", "<|endoftext|>", "<eos>", "<|channel|>final<|message|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "</tool_call>", "<answer>", "</answer>",
    '<tool_response>{"state": "on"}</tool_response>', "[TOOL_RESULTS]on[/TOOL_RESULTS]", '{"mood": "good"}', "{}", '{"name": "MakeCoffee", "arguments": {}}',
    "<tool_call>MakeCoffee</tool_call>", 'make_coffee(strength="strong")', '[make_coffee(strength="strong")]', "<br/>", "<b>", '<function name="MakeCoffee">{}</function>',
    '<tools>[{"name": "HassTurnOn", "parameters": {"type": "object"}}]</tools>', '```json\n{"mood": "good"}\n```\n',
]  # fmt: skip
"""Text that is dropped on a line of its own."""

PLAIN = """
It is < 5 and > 3, [sic] I think.
The set {1, 2} has two.
The set {x: x > 2} is large.
2 < 3, and 3 > 2.
If a<b and b<c then a<c.
x <- 5 and y -> 6.
I <3 you.
Ends with <
Ends with {
Ends with [
It says [1] and [2, 3].
f(x) = 2x, and f(2) = 4.
sin(0) is 0, and so is g(f(0)).
A call of main() begins the program.
The word(s) you look for.
Well (as they say), yes.
You could say turn_on or HassTurnOn.
HassTurnOn is what it is called.
Action! said the man.
Action: the film begins.
Thought is free.
Final answers come last.
See https://example.org/a?b=[c]&d={e} for it.
Write to <john at home> today.
It costs 5 {five} euros.
He said "hello" and 'bye'.
The time is 5:30 [17:30].
An emoji \U0001f600 and \U0001f389 here.
C++ has templates, C# has generics.
A list: [a, b, c].
Is 5 `smaller` than 6?
[INFO] is a level, [A-Z] a range.
Müller & Söhne, 50 % off; 3 * 4 = 12.
x(1) and y[2] are both z{3}.
これは[例]です。1<2です。
Она сказала: «да» (нет).
""".strip().splitlines()
"""Text that is spoken unchanged."""
