// Lets the sandbox's simulated caller speak in the call: its next utterance comes as a WAV and goes
// out as this page's microphone.

import { pause } from './events.js';

// An agent that asks these is the built-in one, or its like: the caller has a story for it.
const SCENARIO_FIELDS = ['budget', 'location', 'property_type'];
const SETTLED_MS = 400; // the agent counts as done when it has listened for this long
const ANSWER_MS = 15_000; // an agent that has not reacted by then has not understood: say the next thing
const POLL_MS = 50;
const SILENCE_MS = 700; // sent after an utterance: speech ends for a listener only when silence follows

export class SimulatedCaller {
  /** `call` is the Call, `said(who)` gives the finished turns of a side so far. */
  constructor(url, call, said) {
    this.url = url;
    this.call = call;
    this.said = said;
    this.spoken = [];
    this.answered = false; // whether the agent has reacted to the last utterance
    call.addEventListener('agent', (event) => {
      if (event.detail !== 'listening') this.answered = true;
    });
  }

  /** Speaks whenever the agent listens, until it has nothing more to say or `signal` aborts. */
  async speak(signal, note) {
    const context = new AudioContext({ sampleRate: 48_000 });
    const outlet = context.createMediaStreamDestination();
    const [track] = outlet.stream.getAudioTracks();
    try {
      await context.resume();
      await this.call.replaceMicrophone(track);
      while (!signal.aborted && this.call.phase === 'connected') {
        await this.#untilListening(signal);
        if (signal.aborted || this.call.phase !== 'connected') break;
        const next = await this.#next(signal);
        if (next.done || !next.wav) {
          note('The simulated caller has nothing more to say.');
          return;
        }
        note(`Saying: ${next.text}`);
        this.answered = false;
        await play(context, outlet, next.wav, signal);
        this.spoken.push(next.text);
        note('Waiting for the agent.');
        await this.#untilAnswered(signal);
      }
    } finally {
      await this.call.giveBackMicrophone(track).catch(() => {});
      track.stop();
      await context.close();
    }
  }

  async #next(signal) {
    const { details } = this.call;
    const asked = new Set(details.questions.map((question) => question.key));
    const response = await fetch(`${this.url}/next`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      signal,
      body: JSON.stringify({
        call_id: this.call.id,
        agent_id: details.agent_id,
        language: details.language,
        scenario: SCENARIO_FIELDS.every((key) => asked.has(key)) ? 'real-estate' : null,
        questions: details.questions,
        agent_said: this.said('agent'),
        caller_said: this.spoken,
      }),
    });
    if (!response.ok) {
      const answer = await response.json().catch(() => null);
      throw new Error(answer?.error?.message ?? `the simulated caller answered ${response.status}`);
    }
    return response.json();
  }

  async #untilListening(signal) {
    let since = null;
    while (!signal.aborted && this.call.phase === 'connected') {
      if (this.call.agentState !== 'listening') since = null;
      else since ??= performance.now();
      if (since !== null && performance.now() - since >= SETTLED_MS) return;
      await pause(POLL_MS, signal);
    }
  }

  async #untilAnswered(signal) {
    const end = performance.now() + ANSWER_MS;
    while (!signal.aborted && performance.now() < end && !this.answered) await pause(POLL_MS, signal);
  }
}

async function play(context, outlet, wav, signal) {
  const bytes = Uint8Array.from(atob(wav), (letter) => letter.charCodeAt(0));
  const source = context.createBufferSource();
  source.buffer = await context.decodeAudioData(bytes.buffer);
  source.connect(outlet);
  const over = new Promise((resolve) => {
    source.onended = resolve;
    signal.addEventListener('abort', resolve, { once: true });
  });
  source.start();
  await over;
  if (signal.aborted) source.stop();
  source.disconnect();
  await pause(SILENCE_MS, signal);
}
