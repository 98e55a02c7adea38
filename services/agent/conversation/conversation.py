"""One call as a conversation: greeted, answered, noted, logged. Knows no rooms and no leases."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    RunContext,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
)
from loguru import logger

from services.agent.call.log_writer import TurnLog, latency
from services.agent.conversation import history, prompt, session as sessions
from services.agent.conversation.agent import Answering, CallAgent
from services.agent.conversation.backchannel import is_backchannel
from services.agent.conversation.idle import SilenceWatch
from services.agent.conversation.session import Voice
from services.agent.conversation.text_input import TypedText
from services.agent.lead.tools import LeadBook, end_call_tool, save_lead_tool
from services.agent.llm.failover import Fault, Limits
from services.agent.provider_status.board import CallFaults
from services.agent.settings import AgentSettings
from services.agent.speech.stt import Listener, RealtimeSTT
from services.agent.speech.tts import SarvamTTS, refusal
from shared.calls import Call
from shared.calls.log import Turn
from shared.events import EndReason
from shared.leads.model import ValueSource
from shared.locales.registry import LANGUAGES, UNKNOWN, by_script, is_language
from shared.profiles.model import Localised
from shared.runtime.tasks import cancel

MakeVoice = Callable[[Listener], Voice]

GOODBYE_S = 10.0  # for the last sentence


class Conversation:
    """`finished` becomes how the call is to end, when the conversation decides that it ends.

    `said` and `collected` are what an earlier agent left; with them nobody is greeted again.
    """

    def __init__(
        self,
        *,
        settings: AgentSettings,
        call: Call,
        localised: Localised,
        book: LeadBook,
        log: TurnLog,
        faults: CallFaults,
        models: Sequence[llm.LLM[Any]],
        make_voice: MakeVoice | None = None,
        said: Sequence[Turn] = (),
        collected: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings = settings
        self._call = call
        self._localised = localised
        self._book = book
        self._log = log
        self._faults = faults
        self._said = said
        self.language = call.language
        self.finished: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._last_source: ValueSource = "caller"
        self._goodbye: asyncio.Task[None] | None = None
        self._voice = make_voice(self) if make_voice else None
        self.session: AgentSession[None] = sessions.build(settings, models[0], self._voice)
        self.typed = TypedText(self.session, self._on_typed)
        self._silence = SilenceWatch(settings.silence_prompt, self._on_silence)
        self.agent = self._make_agent(models, collected or {})
        self._listen()

    # The agent.

    def _make_agent(
        self, models: Sequence[llm.LLM[Any]], collected: Mapping[str, Any]
    ) -> CallAgent:
        settings = self._settings
        return CallAgent(
            instructions=prompt.system_prompt(
                self._call,
                self._localised,
                default_language=settings.default_language,
                fallback=self.fallback(),
                collected=collected,
            ),
            chat_ctx=history.chat_context(self._said),
            tools=[
                save_lead_tool(self._book, self._log, lambda: self._last_source),
                end_call_tool(self._log, self._on_end_call),
            ],
            answering=Answering(
                models=models,
                limits=Limits(settings.llm_first_token_timeout, settings.llm_stall_timeout),
                fallback=self.fallback,
                on_fault=self._on_llm_fault,
                on_answer=lambda: self._faults.well("llm"),
                on_voice=lambda: self._faults.well("sarvam_tts"),
                first_clause_words=settings.first_clause_words,
            ),
            open_with=self._open,
        )

    def fallback(self) -> str:
        """What is said when no model answers, in the language spoken now."""
        own = self._localised.fallback_message
        if own and self.language == self._call.language:
            return own
        spoken = self._settings.default_language if self.language == UNKNOWN else self.language
        return LANGUAGES[spoken].fallback

    def _open(self) -> None:
        if self._said:
            self.session.generate_reply(instructions=prompt.resume_instructions())
        elif self._localised.greeting:
            self.session.say(self._localised.greeting)
        else:
            self.session.generate_reply(instructions=prompt.greeting_instructions())

    async def _on_end_call(self, context: RunContext[Any]) -> bool:
        """Ends the call once the goodbye has been heard; whether it is being said already."""
        handle = context.speech_handle

        def done(_: object) -> None:
            # A caller who breaks in on the goodbye has something to say yet.
            if not handle.interrupted:
                self.finish("agent_finished")

        handle.add_done_callback(done)
        return self.agent.said_something

    async def say_goodbye(self) -> None:
        """Ends the call from our side, with a last sentence."""
        with suppress(RuntimeError, TimeoutError):  # the session may be closing already
            handle = self.session.generate_reply(instructions=prompt.goodbye_instructions())
            async with asyncio.timeout(GOODBYE_S):
                await handle.wait_for_playout()
        self.finish("agent_finished")

    def finish(self, how: EndReason) -> None:
        """The first one to say how the call ends is believed."""
        if not self.finished.done():
            self.finished.set_result(how)

    async def aclose(self) -> None:
        self._silence.stop()
        await cancel(self._goodbye)
        await self.session.aclose()
        await self._book.settle()
        await self._faults.settle()

    # What happens in the session.

    def _listen(self) -> None:
        on = self.session.on
        on("user_state_changed", self._on_user_state)
        on("agent_state_changed", self._on_agent_state)
        on("user_input_transcribed", self._on_transcript)
        on("conversation_item_added", self._on_item)
        on("error", self._on_error)
        on("close", self._on_close)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        speaking = event.new_state == "speaking"
        self._silence.caller(speaking)
        self.typed.caller(speaking)
        if self._voice is None:
            return
        if isinstance(self._voice.stt, RealtimeSTT):
            self._voice.stt.user_speaking(speaking)
        if isinstance(self._voice.tts, SarvamTTS):
            self._voice.tts.warm()

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._log.state(event.new_state)
        self._silence.agent(event.new_state)
        self.agent.playout.speaking(event.new_state == "speaking")

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self._last_source = "caller"
            self._hear_language(event.transcript, str(event.language or ""))

    def _on_typed(self, text: str) -> None:
        self._last_source = "typed"
        self._silence.heard()
        self._hear_language(text, by_script(text) or "")

    def _hear_language(self, text: str, heard: str) -> None:
        """With auto-detect the agent's voice follows the caller. One word alone changes nothing."""
        if self._call.language != UNKNOWN or not is_language(heard) or heard == UNKNOWN:
            return
        if heard == self.language or (self.language != UNKNOWN and len(text.split()) < 2):
            return
        self.language = self._book.language = heard
        if self._voice is not None and isinstance(self._voice.tts, SarvamTTS):
            self._voice.tts.set_language(heard)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or not item.text_content:
            return
        text, spoken = item.text_content.strip(), self.language
        language = spoken if spoken != UNKNOWN else by_script(text)
        if item.role == "user":
            self._log.caller(
                text,
                language=language,
                typed=self.typed.is_typed(item),
                latency=latency(item.metrics),
            )
        elif item.role == "assistant":
            self._log.agent(
                text,
                language=language,
                interrupted=item.interrupted,
                latency=latency(item.metrics),
            )

    def _on_error(self, event: ErrorEvent) -> None:
        """Speech that cannot be made. The language model's failures are told where it is asked."""
        if getattr(event.error, "type", "") != "tts_error":
            return
        status = refusal(getattr(event.error, "error", None))
        if status is not None:
            reason = f"Sarvam refuses to speak (status {status}): the key, the voice or the model"
            self._faults.refused("sarvam_tts", reason)
        elif not getattr(event.error, "recoverable", False):
            self._faults.trouble("sarvam_tts", "Sarvam does not speak just now")

    def _on_close(self, event: CloseEvent) -> None:
        self._silence.stop()
        match event.reason:
            case CloseReason.PARTICIPANT_DISCONNECTED:
                self.finish("caller_hung_up")
            case CloseReason.ERROR:
                logger.error("the session failed")
                self.finish("failed")
            case _:
                pass

    def _on_silence(self, count: int) -> None:
        if count > self._settings.silence_hangup:
            self._silence.stop()
            self._goodbye = asyncio.create_task(self.say_goodbye(), name="goodbye")
            return
        with suppress(RuntimeError):  # the session may be closing
            self.session.generate_reply(instructions=prompt.silence_instructions())

    def _on_llm_fault(self, fault: Fault) -> None:
        if fault.refused:
            reason = f"the language model's provider refuses {fault.refused}: {fault.model}"
            self._faults.refused("llm", f"{reason} ({fault.reason})")
        else:
            self._faults.trouble("llm", f"{fault.model} does not answer: {fault.reason}")

    # What speech-to-text tells.

    def stt_ready(self) -> None:
        self._faults.well("sarvam_stt")

    def stt_refused(self, reason: str) -> None:
        self._faults.refused("sarvam_stt", f"Sarvam refuses speech-to-text: {reason}")

    def stt_away(self, reason: str) -> None:
        self._faults.trouble("sarvam_stt", f"Sarvam does not hear just now: {reason}")

    def stt_unheard(self, count: int) -> None:
        """Somebody spoke and we could not hear it: better to ask than to be silent."""
        logger.warning("{} utterances without a transcript", count)
        with suppress(RuntimeError):  # the session may be closing
            self.session.say(self.fallback())

    def stt_drops(self, text: str) -> bool:
        """A lone "haan" while the agent speaks is listening; in its last words it is an answer."""
        speech = self.session.current_speech
        if speech is None or speech.done() or speech.interrupted or self.agent.playout.ending:
            return False
        return is_backchannel(text)
