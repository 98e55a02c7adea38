"""One call as a conversation: greeted, answered, noted, logged. Knows no rooms and no leases."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    CloseReason,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.voice import SpeechHandle
from loguru import logger

from services.agent.conversation import history, prompt, session as sessions
from services.agent.conversation.agent import CallAgent, ReplyPolicy
from services.agent.conversation.backchannel import is_backchannel
from services.agent.conversation.history import Earlier
from services.agent.conversation.idle import SilenceWatch
from services.agent.conversation.model_events import ModelEvents
from services.agent.conversation.spoken_language import SpokenLanguage
from services.agent.conversation.text_input import TypedText
from services.agent.conversation.transcript_writer import TranscriptWriter
from services.agent.lead.recorder import LeadRecorder
from services.agent.llm.failover import Failover, ReplyTimeouts
from services.agent.llm.models import ChatModel
from services.agent.provider_status.status import ProviderStatus
from services.agent.settings import AgentSettings
from services.agent.speech.models import SpeechModels
from services.agent.speech.stt import SttListener
from services.agent.tools import registry as tools
from services.agent.tools.tool import ToolContext
from shared.calls import Call
from shared.calls.log import LogEntry
from shared.events import EndReason
from shared.leads.model import ValueSource
from shared.locales.registry import by_script
from shared.runtime.tasks import cancel

MakeSpeech = Callable[[SttListener], SpeechModels]

GOODBYE_S = 10.0  # for the last sentence


class Conversation:
    """`finished` becomes how the call is to end, when the conversation decides that it ends.

    With something said `earlier` nobody is greeted again. Without `make_speech` it is in text.
    """

    def __init__(
        self,
        settings: AgentSettings,
        call: Call,
        *,
        recorder: LeadRecorder,
        status: ProviderStatus,
        log: Callable[[LogEntry], None],
        models: Sequence[ChatModel],
        make_speech: MakeSpeech | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self._settings = settings
        self._call = call
        self._localised = call.profile.localised(call.language, settings.default_language)
        self._recorder = recorder
        self._status = status
        self._earlier = earlier or Earlier()
        self._goodbye: asyncio.Task[None] | None = None
        self.last_source: ValueSource = "caller"
        self.finished: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self.language = SpokenLanguage(call, settings.default_language, self._on_language)
        self._events = ModelEvents(
            status,
            utterances_lost=self._on_utterances_lost,
            drops_transcript=self._is_listening_sound,
        )
        self._speech = make_speech(self._events) if make_speech else None
        self.session: AgentSession[None] = sessions.build(settings, models[0].client, self._speech)
        self.typed = TypedText(self.session, self._on_typed)
        self._silence = SilenceWatch(settings.silence_prompt, self._on_silence)
        self.agent = self._make_agent(models, ToolContext(recorder, self, log))
        self._listen(TranscriptWriter(log, self.language, self.typed.is_typed))

    def _make_agent(self, models: Sequence[ChatModel], context: ToolContext) -> CallAgent:
        settings = self._settings
        timeouts = ReplyTimeouts(settings.llm_first_token_timeout, settings.llm_stall_timeout)
        return CallAgent(
            instructions=prompt.system_prompt(
                self._call,
                self._localised,
                default_language=settings.default_language,
                fallback=self.fallback(),
                collected=self._earlier.collected,
            ),
            chat_ctx=history.chat_context(self._earlier.turns),
            tools=tools.bind_all(context),
            policy=ReplyPolicy(
                failover=Failover(models, timeouts, self._events),
                fallback=self.fallback,
                on_voice=self._events.spoke,
                first_segment_words=settings.first_clause_words,
            ),
            open_with=self._open,
        )

    def fallback(self) -> str:
        """What is said when no model answers, in the language spoken now."""
        return self.language.fallback(self._localised)

    def _open(self) -> None:
        if self._earlier.turns:
            self.session.generate_reply(instructions=prompt.RESUME)
        elif self._localised.greeting:
            self.session.say(self._localised.greeting)
        else:
            self.session.generate_reply(instructions=prompt.GREETING)

    # How it ends.

    def end_after(self, speech: SpeechHandle) -> bool:
        """Ends the call once the goodbye has been heard; whether it is being said already."""

        def done(_: object) -> None:
            # A caller who breaks in on the goodbye has something to say yet.
            if not speech.interrupted:
                self.finish("agent_finished")

        speech.add_done_callback(done)
        return self.agent.said_something

    async def say_goodbye(self) -> None:
        """Ends the call from our side, with a last sentence."""
        with suppress(RuntimeError, TimeoutError):  # the session may be closing already
            handle = self.session.generate_reply(instructions=prompt.GOODBYE)
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
        await self._recorder.aclose()
        await self._status.aclose()

    # What happens in the session.

    def _listen(self, transcript: TranscriptWriter) -> None:
        on = self.session.on
        on("user_state_changed", self._on_user_state)
        on("agent_state_changed", transcript.on_agent_state)
        on("agent_state_changed", self._on_agent_state)
        on("user_input_transcribed", self._on_transcript)
        on("conversation_item_added", transcript.on_item)
        on("error", self._events.on_error)
        on("close", self._on_close)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        speaking = event.new_state == "speaking"
        self._silence.caller(speaking)
        self.typed.caller(speaking)
        if self._speech is not None:
            self._speech.caller_speaking(speaking)

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._silence.agent(event.new_state)
        self.agent.playout.speaking(event.new_state == "speaking")

    def _on_transcript(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self.last_source = "caller"
            self.language.heard(event.transcript, str(event.language or ""))

    def _on_typed(self, text: str) -> None:
        self.last_source = "typed"
        self._silence.heard()
        self.language.heard(text, by_script(text) or "")

    def _on_language(self, language: str) -> None:
        self._recorder.language = language
        if self._speech is not None:
            self._speech.speak(language)

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
            self.session.generate_reply(instructions=prompt.SILENCE)

    def _on_utterances_lost(self, count: int) -> None:
        """Somebody spoke and we could not hear it: better to ask than to be silent."""
        logger.warning("{} utterances without a transcript", count)
        with suppress(RuntimeError):  # the session may be closing
            self.session.say(self.fallback())

    def _is_listening_sound(self, text: str) -> bool:
        """A lone "haan" while the agent speaks is listening; in its last words it is an answer."""
        speech = self.session.current_speech
        if speech is None or speech.done() or speech.interrupted or self.agent.playout.ending:
            return False
        return is_backchannel(text)
