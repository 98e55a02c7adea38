// One call: token, room, microphone, what is heard, and the call's log. Says everything by events.

import { ConnectionState, DisconnectReason, Room, RoomEvent, Track } from '/static/vendor/livekit-client.mjs';
import { request } from './api.js';
import { follow } from './events.js';

const TRANSCRIPTION = 'lk.transcription';
const CHAT = 'lk.chat';
const STATE = 'lk.agent.state';

const GONE = {
  [DisconnectReason.DUPLICATE_IDENTITY]: 'This call was opened in another window.',
  [DisconnectReason.SERVER_SHUTDOWN]: 'The voice server was shut down.',
  [DisconnectReason.JOIN_FAILURE]: 'The voice server did not let us in.',
};

/**
 * Events (detail): phase (connecting | connected | reconnecting | ended), details (the call as the
 * gateway has it), agent (its state), heard {who, segment, text}, entry (one of the call's log),
 * track {track, on} (audio of either side), microphone {on, muted}, problem {code, text, level}.
 */
export class Call extends EventTarget {
  constructor(audio) {
    super();
    this.audio = audio;
    this.phase = 'idle';
    this.agentState = null;
    this.log = new AbortController();
    this.room = new Room({ disconnectOnPageLeave: true });
    this.ownTracks = new Set();
    this.#listen();
  }

  /** Opens the call. Throws ApiError when the gateway refuses, and what livekit-client throws. */
  async start(choices) {
    this.#phase('connecting');
    this.room.startAudio().catch(() => {}); // within the click, or browsers keep the agent silent
    try {
      this.opened = await request('/api/token', { method: 'POST', body: choices });
      this.id = this.opened.callId;
      this.#followLog();
      this.details = await request(`/api/calls/${this.id}`);
      this.#say('details', this.details);
      await this.room.connect(this.opened.livekitUrl, this.opened.token);
    } catch (error) {
      this.log.abort();
      this.#phase('ended');
      throw error;
    }
    if (this.phase === 'ended') return;
    this.#phase('connected');
    await this.openMicrophone();
  }

  /** Publishes the microphone. Without one the call goes on: one can type. */
  async openMicrophone() {
    try {
      await this.room.localParticipant.setMicrophoneEnabled(true);
      this.#say('problem', { code: 'microphone', text: null });
    } catch (error) {
      this.#say('problem', { code: 'microphone', text: microphoneFault(error), level: 'warning' });
    }
    this.#microphone();
  }

  /** Publishes another audio track in the microphone's place (the agent listens to one). */
  async replaceMicrophone(track) {
    const publication = this.room.localParticipant.getTrackPublication(Track.Source.Microphone);
    if (publication?.track) await this.room.localParticipant.unpublishTrack(publication.track, true);
    await this.room.localParticipant.publishTrack(track, { source: Track.Source.Microphone, name: 'simulated-caller' });
    this.#microphone();
  }

  async giveBackMicrophone(track) {
    if (this.phase !== 'connected') return;
    await this.room.localParticipant.unpublishTrack(track, false);
    await this.openMicrophone();
  }

  async setMuted(muted) {
    await this.room.localParticipant.setMicrophoneEnabled(!muted);
    this.#microphone();
  }

  async type(text) {
    await this.room.localParticipant.sendText(text, { topic: CHAT });
  }

  async end() {
    await this.room.disconnect();
    this.#phase('ended');
  }

  /** Stops listening to the call's log; nothing more will come. */
  close() {
    this.log.abort();
  }

  #listen() {
    const { room } = this;
    room.on(RoomEvent.TrackSubscribed, (track) => this.#heardTrack(track));
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) element.remove();
      this.#say('track', { track, on: false });
    });
    room.on(RoomEvent.LocalTrackPublished, (publication) => {
      this.ownTracks.add(publication.trackSid);
      this.#say('track', { track: publication.track, on: true });
    });
    room.on(RoomEvent.LocalTrackUnpublished, (publication) => {
      this.#say('track', { track: publication.track, on: false });
    });
    room.on(RoomEvent.ParticipantConnected, (participant) => this.#agent(participant));
    room.on(RoomEvent.ParticipantAttributesChanged, (_, participant) => this.#agent(participant));
    room.on(RoomEvent.ParticipantDisconnected, (participant) => {
      if (participant.isAgent && ![...room.remoteParticipants.values()].some((other) => other.isAgent)) this.#state('gone');
    });
    room.on(RoomEvent.ConnectionStateChanged, (state) => this.#connection(state));
    room.on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => {
      const text = room.canPlaybackAudio ? null : 'Your browser keeps the agent silent: click anywhere to hear it.';
      this.#say('problem', { code: 'playback', text, level: 'warning' });
      if (!room.canPlaybackAudio) document.addEventListener('click', () => room.startAudio(), { once: true });
    });
    room.on(RoomEvent.MediaDevicesError, (error) => {
      this.#say('problem', { code: 'microphone', text: microphoneFault(error), level: 'warning' });
    });
    room.registerTextStreamHandler(TRANSCRIPTION, (reader, from) => this.#transcribe(reader, from));
  }

  #heardTrack(track) {
    if (track.kind !== Track.Kind.Audio) return;
    this.audio.append(track.attach());
    this.#say('track', { track, on: true });
  }

  // The agent sends both sides: its own words as it speaks them, the caller's as they are understood.
  async #transcribe(reader, from) {
    const { attributes = {}, id } = reader.info;
    const segment = attributes['lk.segment_id'] ?? id;
    const mine =
      from?.identity === this.room.localParticipant.identity || this.ownTracks.has(attributes['lk.transcribed_track_id']);
    let text = '';
    for await (const piece of reader) {
      text += piece;
      this.#say('heard', { who: mine ? 'caller' : 'agent', segment, text });
    }
  }

  #agent(participant) {
    if (!participant.isAgent) return;
    const state = participant.attributes[STATE];
    if (state) this.#state(state);
  }

  #state(state) {
    if (state === this.agentState) return;
    this.agentState = state;
    this.#say('agent', state);
  }

  #connection(state) {
    const again = state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting;
    if (again && this.phase === 'connected') this.#phase('reconnecting');
    if (state === ConnectionState.Connected && this.phase === 'reconnecting') this.#phase('connected');
  }

  #disconnected(reason) {
    if (GONE[reason]) this.#say('problem', { code: 'call', text: GONE[reason], level: 'error' });
    if (this.phase !== 'connecting') this.#phase('ended');
  }

  #followLog() {
    follow(`/api/calls/${this.id}/events`, {
      signal: this.log.signal,
      on: {
        entry: (event) => this.#say('entry', { ...event.data, type: event.type, id: event.id }),
        lost: () => this.#say('problem', { code: 'log', text: 'The transcript is interrupted: connecting again.', level: 'warning' }),
        back: () => this.#say('problem', { code: 'log', text: null }),
        refused: (status) => this.#say('problem', { code: 'log', text: `The server does not show this call's transcript (${status}).`, level: 'error' }),
      },
    });
  }

  #microphone() {
    const publication = this.room.localParticipant.getTrackPublication(Track.Source.Microphone);
    this.#say('microphone', { on: Boolean(publication?.track), muted: Boolean(publication?.isMuted) });
  }

  #phase(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.#say('phase', phase);
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function microphoneFault(error) {
  if (error?.name === 'NotAllowedError') return 'The browser may not use your microphone: you can type instead.';
  if (error?.name === 'NotFoundError') return 'No microphone was found: you can type instead.';
  if (error?.name === 'NotReadableError') return 'Another program holds your microphone: you can type instead.';
  return `The microphone does not work (${error?.message ?? error}): you can type instead.`;
}
