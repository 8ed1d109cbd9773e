"""A model at Ollama answers: streams its text, calls the tools of Home Assistant, and is held to what was done."""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from homeassistant.components import conversation
from homeassistant.components.conversation.chat_log import AssistantContentDeltaDict
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, TemplateError
from homeassistant.helpers import llm

from .client import Cause, ChatRequest, OllamaClient, OllamaError
from .home import Settings, create_context, load_tools, render_prompt
from .rules.answer_text import AnswerText
from .rules.claims import is_claim, is_claim_about_another, is_command
from .rules.history import (
    Message,
    assistant_message,
    build_messages,
    note_message,
    result_message,
    trim_history,
    user_message,
    warm_messages,
)
from .rules.languages import Failure, find_language, get_phrase
from .rules.prompt import FrozenPrompt, estimate_tokens
from .rules.tool_calls import MAX_ROUNDS, ModelCall, clean_call, is_action, is_success, parse_calls
from .turn import Tier, Turn
from .warmer import Warmer

_LOG = logging.getLogger(__name__)
_NOT_DONE = (
    "[A note of the home. Nobody said this.] You said that something was done, but no tool has done anything since the person"
    " last spoke, and nobody has heard your answer. If something is to be done, call the tool for it now. If not, or if no tool"
    " can do it, answer again without saying that you did it."
)
_CALLED_TWICE = "This call was made already; its result is above. Answer the person now."
_RESULTS_IN_HISTORY_TOKENS = 300
_LEAST_RESULT_TOKENS = 40
_CONVERSATION_SECONDS = 300.0  # as in Home Assistant
_FAILURES = {Cause.TOO_LONG: Failure.TOO_LONG, Cause.NO_MODEL: Failure.NO_MODEL}
Report = Callable[[Cause | None], None]
"""Told of each failure of the server, and of each success with None."""


@dataclass(frozen=True)
class ModelSettings:
    """The model, and the entry's options that are about it."""

    model: str
    prompt: Settings
    history: int


@dataclass
class _Progress:
    """What the rounds of one turn have in common."""

    prompt: FrozenPrompt
    is_command: bool
    names: tuple[str, ...]
    earlier: list[Message]
    notes: list[tuple[int, Message]] = field(default_factory=list)  # for the model alone, each with its place
    made: set[str] = field(default_factory=set)  # calls
    executed: str = ""  # calls that have succeeded with their results, in lower case
    is_repeating: bool = False

    @property
    def has_acted(self) -> bool:
        return bool(self.executed)

    def record(self, content: conversation.ToolResultContent) -> None:
        """Note the result of a tool, if it has done something."""
        result = _result_of(content)
        if is_action(content.tool_name) and is_success(result):
            calls = " ".join(sorted(self.made))
            self.executed = f"{self.executed} {calls} {json.dumps(result, ensure_ascii=False, default=str)}".lower()


class ModelThinker:
    """Answers by a model; `warmer` has its prompts."""

    def __init__(
        self, hass: HomeAssistant, client: OllamaClient, settings: ModelSettings, cooldown: float, report: Report
    ) -> None:
        self._hass = hass
        self._client = client
        self._settings = settings
        self._report = report
        self._takes_tools = True
        self._conversations: dict[str | None, tuple[float, list[Message]]] = {}
        self.warmer = Warmer(hass, self._render, self, cooldown)

    async def warm(self, prompt: FrozenPrompt, device_id: str | None) -> bool:
        """Have the model read a prompt, with the conversation that a device is in; return whether it did."""
        at, earlier = self._conversations.get(device_id, (float("-inf"), []))
        is_current = self._hass.loop.time() - at < _CONVERSATION_SECONDS
        history = trim_history(earlier, self._settings.history, prompt.budget.history) if is_current else []
        try:
            await self._client.warm(self._request(prompt, warm_messages(prompt, history)))
        except OllamaError as err:
            if err.cause is Cause.NO_TOOLS:
                self._drop_tools()
            else:
                self._report(err.cause)
            _LOG.debug("The model could not be warmed: %s", err)
            return False
        self._report(None)
        return True

    def prepare(self, device_id: str | None, language: str | None) -> None:
        self.warmer.prepare(device_id, language)

    def load(self, language: str | None) -> None:
        self.warmer.load(language)

    async def answer(self, turn: Turn) -> conversation.ConversationResult:
        """Answer a sentence; every failure is spoken."""
        turn.tier = Tier.MODEL
        try:
            progress = await self._begin(turn)
            await self._run(turn, progress)
        except OllamaError as err:
            self.warmer.forget()
            self._report(err.cause)
            _LOG.debug("The model at Ollama failed: %s", err)
            return await turn.failed(_FAILURES.get(err.cause, Failure.UNREACHABLE))
        except TemplateError as err:
            _LOG.error("The prompt template cannot be rendered; change it in the options: %s", err)
            return await turn.failed(Failure.NO_ANSWER)
        except HomeAssistantError as err:
            _LOG.error("Home Assistant could not prepare the tools: %s", err)
            return await turn.failed(Failure.NO_ANSWER)
        self._report(None)
        return turn.result()

    def remember(self, turn: Turn) -> None:
        """Keep the conversation of a device, which its next sentence probably continues."""
        device_id = turn.user_input.device_id
        if device_id is not None:
            earlier = _convert_all(turn.chat_log.content[1:], _RESULTS_IN_HISTORY_TOKENS)
            self._conversations[device_id] = (self._hass.loop.time(), earlier)

    async def close(self) -> None:
        """End the warm-ups; a turn in progress goes on to its end."""
        await self.warmer.close()

    async def _render(self, device_id: str | None, language: str | None) -> FrozenPrompt:
        prompt, _ = await render_prompt(self._hass, self._settings.prompt, create_context(None, device_id, language))
        return prompt

    async def _begin(self, turn: Turn) -> _Progress:
        """Take the prompt of the wake word, or render one, and write it into the log of the conversation."""
        asked, log = turn.user_input, turn.chat_log
        context = create_context(asked, asked.device_id, asked.language)
        prompt = self.warmer.take(asked.device_id)
        turn.is_warm = prompt is not None and self.warmer.is_warm(prompt)
        if prompt is None:
            prompt, log.llm_api = await render_prompt(self._hass, self._settings.prompt, context)
        else:
            log.llm_api = await load_tools(self._hass, self._settings.prompt.apis, context)
        log.content[0] = conversation.SystemContent(content=prompt.system)
        if hasattr(log, "llm_input_provided_index"):
            log.llm_input_provided_index = len(log.content)
        names = tuple(tool.name for tool in log.llm_api.tools) if log.llm_api else ()
        earlier = _convert_all(log.content[1 : _find_sentence(log.content)], _RESULTS_IN_HISTORY_TOKENS)
        history = trim_history(earlier, self._settings.history, prompt.budget.history)
        return _Progress(prompt, is_command(asked.text, asked.language), names, history)

    async def _run(self, turn: Turn, progress: _Progress) -> None:
        """Ask the model until it calls no more tools."""
        log = turn.chat_log
        for _ in range(MAX_ROUNDS):
            stream = self._stream_deltas(turn, progress)
            async with aclosing(log.async_add_delta_content_stream(turn.entity_id, stream)) as contents:
                async for content in contents:
                    if isinstance(content, conversation.ToolResultContent):
                        progress.record(content)
            if progress.is_repeating:
                progress.is_repeating = False
                self._note(turn, progress, note_message(_CALLED_TWICE))
            elif not log.unresponded_tool_results:
                return
        await self._finish(turn, progress, Failure.UNFINISHED)

    async def _stream_deltas(self, turn: Turn, progress: _Progress) -> AsyncGenerator[AssistantContentDeltaDict, None]:
        """Yield the deltas of one message of the model: sentences that may be spoken, then new tool calls."""
        calls: list[ModelCall] = []
        is_empty = True
        try:
            async with aclosing(self._ask(turn, progress, calls)) as sentences:
                async for sentence in sentences:
                    if is_empty:
                        yield {"role": "assistant"}
                    is_empty = False
                    turn.mark_words()
                    yield {"content": sentence}
        except OllamaError as err:
            if not progress.has_acted and not turn.spoke.is_set():
                raise
            _LOG.debug("The model at Ollama broke off: %s", err)
            self._report(err.cause)
            text = await self._closing_words(turn, progress, Failure.INTERRUPTED)
            yield {"role": "assistant", "content": text} if is_empty else {"content": text}
            return
        new = {call.key: call for call in calls if call.key not in progress.made}
        progress.is_repeating = bool(calls) and not new
        if new:
            progress.made |= set(new)
            inputs = [llm.ToolInput(tool_name=call.name, tool_args=dict(call.arguments)) for call in new.values()]
            if is_empty:
                yield {"role": "assistant"}
            yield {"tool_calls": inputs}
        elif is_empty and not calls:
            yield {"role": "assistant", "content": await self._closing_words(turn, progress, Failure.NO_ANSWER)}
            turn.mark_words()

    async def _ask(self, turn: Turn, progress: _Progress, calls: list[ModelCall]) -> AsyncGenerator[str, None]:
        """Yield the sentences of the model's next message; a claim of an action that nobody made is asked about once."""
        for is_last in (False, True):
            withheld: list[str] = []
            async with aclosing(self._read(turn, progress, calls)) as sentences:
                async for sentence in sentences:
                    if withheld or self._is_false(sentence, turn, progress):
                        withheld.append(sentence)
                    else:
                        yield sentence
            if calls or not withheld or progress.has_acted:
                return
            if is_last:
                yield get_phrase(Failure.NOT_DONE, turn.user_input.language)
            self._note(turn, progress, assistant_message("".join(withheld)), note_message(_NOT_DONE))

    async def _read(self, turn: Turn, progress: _Progress, calls: list[ModelCall]) -> AsyncGenerator[str, None]:
        """Yield the sentences of one answer of the server, and collect its tool calls."""
        text = AnswerText()
        request = self._request(progress.prompt, self._messages(turn, progress))
        try:
            async with aclosing(self._client.chat(request)) as chunks:
                async for chunk in chunks:
                    found = (clean_call(name, arguments, progress.names) for name, arguments in chunk.calls)
                    calls += [call for call in found if call is not None]
                    for sentence in text.feed(chunk.text):
                        yield sentence
                    if text.is_endless:
                        return
        except OllamaError as err:
            if err.cause is not Cause.NO_TOOLS or not request.tools:
                raise
            self._drop_tools()
            async with aclosing(self._read(turn, progress, calls)) as sentences:
                async for sentence in sentences:
                    yield sentence
            return
        for sentence in text.finish():
            yield sentence
        if text.control_text:
            calls += parse_calls(text.control_text, progress.names)

    def _is_false(self, sentence: str, turn: Turn, progress: _Progress) -> bool:
        """Return whether a sentence claims what no tool has done in this turn."""
        language, after_command = turn.user_input.language, progress.is_command
        if not progress.has_acted:
            return is_claim(sentence, language, after_command=after_command)
        names, executed = progress.prompt.names, progress.executed
        return is_claim_about_another(sentence, language, names, executed, after_command=after_command)

    def _messages(self, turn: Turn, progress: _Progress) -> list[Message]:
        sentence = _convert_all(
            turn.chat_log.content[_find_sentence(turn.chat_log.content) :], progress.prompt.budget.results
        )
        extra = turn.user_input.extra_system_prompt or turn.chat_log.extra_system_prompt or ""
        for added, (place, note) in enumerate(progress.notes):
            sentence.insert(place + added, note)
        return build_messages(progress.prompt, progress.earlier, sentence, extra)

    def _note(self, turn: Turn, progress: _Progress, *notes: Message) -> None:
        """Tell the model something after what has been said so far."""
        content = turn.chat_log.content
        place = len(_convert_all(content[_find_sentence(content) :], 0))
        progress.notes += [(place, note) for note in notes]

    def _request(self, prompt: FrozenPrompt, messages: Sequence[Message]) -> ChatRequest:
        tools = prompt.tools if self._takes_tools else ()
        return ChatRequest(self._settings.model, messages, tools, self._settings.prompt.context_tokens)

    def _drop_tools(self) -> None:
        self._takes_tools = False
        self._report(Cause.NO_TOOLS)
        _LOG.warning("The model %s supports no tools, so that it cannot control the home", self._settings.model)

    async def _finish(self, turn: Turn, progress: _Progress, failure: Failure) -> None:
        """End a turn in words that the model did not find."""
        turn.add_text(await self._closing_words(turn, progress, failure))
        turn.mark_words()

    async def _closing_words(self, turn: Turn, progress: _Progress, failure: Failure) -> str:
        language = find_language(turn.user_input.language)
        if progress.has_acted and language is not None and not turn.spoke.is_set():
            return language.done
        return await turn.phrase(failure)


def _find_sentence(content: Sequence[conversation.Content]) -> int:
    """Return the place of the newest sentence in a log."""
    places = [place for place, one in enumerate(content) if isinstance(one, conversation.UserContent)]
    return places[-1] if places else len(content)


def _convert_all(content: Sequence[conversation.Content], max_tokens: int) -> list[Message]:
    """Return the messages of a log; the results of tools share their room, the first ones come first."""
    messages = []
    for one in content:
        message = _convert(one, max(max_tokens, _LEAST_RESULT_TOKENS))
        if message is not None:
            messages.append(message)
            max_tokens -= estimate_tokens(message["content"]) if message["role"] == "tool" else 0
    return messages


def _convert(content: conversation.Content, max_tokens: int) -> Message | None:
    match content:
        case conversation.UserContent():
            return user_message(content.content)
        case conversation.AssistantContent():
            calls = [ModelCall(call.tool_name, call.tool_args) for call in content.tool_calls or ()]
            text = content.content or ""
            is_said = text and text != "(no response)" and not text.startswith("Error: ")
            return assistant_message(text if is_said else "", calls) if is_said or calls else None
        case conversation.ToolResultContent():
            return result_message(content.tool_name, _result_of(content), max_tokens)
        case _:
            return None


def _result_of(content: conversation.ToolResultContent) -> Any:
    """Return a result as the model sees it; its place in the content depends on the version."""
    result = getattr(content, "result", None)
    if result is None:
        return content.tool_result
    return {**result.data, "error": result.data.get("error", True)} if result.error else result.data
