// The call page: wires the parts to the document.

import { Call } from './call.js';
import { Lead } from './lead.js';
import { Level } from './level.js';
import { Problems } from './problems.js';
import { SimulatedCaller } from './simulated-caller.js';
import { Transcript } from './transcript.js';

const LINGER_MS = 120_000; // after the call, how long we wait for N8N's last word on the lead

const $ = (id) => document.getElementById(id);
const data = JSON.parse($('page-data').textContent);
const main = $('main');

const problems = new Problems($('problems'));
const transcript = new Transcript($('transcript'), $('transcript-empty'));
const level = new Level($('orb'));
const lead = new Lead({
  fields: $('lead-fields'),
  state: $('lead-state'),
  progress: $('lead-progress'),
  empty: $('lead-empty'),
  deliveries: $('deliveries'),
});

const PHASES = {
  connecting: 'Connecting',
  connected: 'Connected, waiting for the agent',
  reconnecting: 'The connection is lost: connecting again',
  ended: 'The call is over',
};
const AGENT = {
  initializing: 'The agent is joining',
  listening: 'Listening',
  thinking: 'Thinking',
  speaking: 'Speaking',
  gone: 'The agent has left',
};
const HOW = {
  caller_hung_up: 'You ended the call.',
  agent_finished: 'The agent ended the call.',
  caller_lost: 'The connection was lost, so the call ended.',
  never_joined: 'Nobody joined, so the call ended.',
  room_closed: 'The call was closed.',
  failed: 'The call ended because of a fault.',
};
const OUTCOME = {
  lead_complete: 'The lead is complete.',
  lead_partial: 'What was said so far is kept as a partial lead.',
  no_lead: 'No lead was captured.',
};

let call = null;
let callerSpeaking = null; // AbortController while the simulated caller speaks
let timer = null;

problems.watch();

$('setup').addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
$('end').addEventListener('click', () => call?.end());
$('mute').addEventListener('click', () => call?.setMuted($('mute').getAttribute('aria-pressed') !== 'true'));
$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
$('caller')?.addEventListener('click', () => (callerSpeaking ? callerSpeaking.abort() : letCallerSpeak()));

async function start() {
  call?.close();
  problems.clear('call');
  problems.clear('notice');
  setupError(null);
  transcript.clear();
  lead.reset();
  call = new Call($('audio'));
  listen(call);
  const form = new FormData($('setup'));
  const choice = (name) => String(form.get(name) ?? '').trim() || undefined;
  try {
    await call.start({
      agentId: choice('agent'),
      language: choice('language'),
      voice: choice('voice'),
      userName: choice('name'),
    });
  } catch (error) {
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : '';
    setupError(`${error.status === undefined ? 'The voice server cannot be reached: ' : ''}${error.message}${wait}`);
  }
}

function listen(one) {
  const on = (type, handle) => one.addEventListener(type, (event) => one === call && handle(event.detail));
  on('phase', showPhase);
  on('details', (details) => {
    transcript.agentName = details.agent_name;
    transcript.language = details.language;
    lead.expect(details.questions);
  });
  on('agent', (state) => {
    main.dataset.agent = state;
    if (one.phase === 'connected') $('state').textContent = AGENT[state] ?? state;
    if (state !== 'initializing' && state !== 'gone') problems.clear('notice:agent');
  });
  on('heard', ({ who, segment, text }) => transcript.heard(who, segment, text));
  on('track', ({ track, on: added }) => {
    if (track?.kind !== 'audio') return;
    if (added) level.listen(track);
    else level.forget(track);
  });
  on('microphone', ({ muted }) => {
    $('mute').setAttribute('aria-pressed', String(muted));
    $('mute').textContent = muted ? 'Unmute' : 'Mute';
  });
  on('problem', ({ code, text, level: tone }) => problems.set(`call:${code}`, text, tone));
  on('entry', logged);
}

function logged(entry) {
  if (entry.type === 'turn') transcript.turn(entry);
  else if (entry.type === 'lead') lead.changed(entry);
  else if (entry.type === 'delivery') lead.delivered(entry);
  else if (entry.type === 'notice') noticed(entry);
  // An agent that died never says that its troubles are over; the next one says its own.
  else if (entry.type === 'state' && entry.state === 'joining') problems.clear('notice:');
  else if (entry.type === 'ended') ended(entry);
  if (call.over && lead.settled) call.close();
}

// A notice stands until one of level info has the same subject: llm_trouble until llm_well.
function noticed(entry) {
  transcript.note(entry.text, entry.level);
  const subject = entry.code.replace(/_(refused|trouble|well)$/, '');
  problems.set(`notice:${subject}`, entry.level === 'info' ? null : entry.text, entry.level);
}

function ended(entry) {
  transcript.note(`${HOW[entry.how] ?? 'The call ended.'} ${OUTCOME[entry.outcome] ?? ''}`);
  const finished = call;
  finished.over = true;
  finished.end();
  setTimeout(() => finished.close(), LINGER_MS);
}

function showPhase(phase) {
  const busy = phase !== 'ended' && phase !== 'idle';
  main.dataset.phase = phase;
  $('state').textContent = phase === 'connected' ? (AGENT[call.agentState] ?? PHASES.connected) : PHASES[phase];
  for (const control of $('setup').elements) control.disabled = busy;
  $('start').textContent = busy ? 'In a call' : 'Start another call';
  for (const id of ['mute', 'end']) $(id).hidden = !busy;
  for (const id of ['text', 'send']) $(id).disabled = phase !== 'connected';
  if ($('caller-panel')) $('caller-panel').hidden = phase !== 'connected';
  if (phase === 'connecting') $('end').focus();
  if (phase === 'connected' && !timer) startTimer();
  if (phase === 'ended') stopCall();
}

function stopCall() {
  clearInterval(timer);
  timer = null;
  callerSpeaking?.abort();
  level.stop();
  delete main.dataset.agent;
  problems.clear('notice');
  $('start').focus({ preventScroll: true });
}

function startTimer() {
  const began = Date.now();
  $('timer').hidden = false;
  const tick = () => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    $('timer').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  tick();
  timer = setInterval(tick, 1000);
}

async function send() {
  const text = $('text').value.trim();
  if (!text || !call) return;
  $('text').value = '';
  try {
    await call.type(text);
    transcript.heard('caller', `typed-${Date.now()}`, text);
  } catch (error) {
    $('text').value = text;
    problems.set('call:typing', `Your message was not sent: ${error.message}`);
  }
}

async function letCallerSpeak() {
  const one = call;
  callerSpeaking = new AbortController();
  $('caller').setAttribute('aria-pressed', 'true');
  $('caller').textContent = 'Stop the simulated caller';
  const note = (text) => {
    $('caller-note').textContent = text;
  };
  try {
    await new SimulatedCaller(data.caller_url, one, (who) => transcript.said(who)).speak(callerSpeaking.signal, note);
  } catch (error) {
    if (!callerSpeaking.signal.aborted) problems.set('call:caller', `The simulated caller cannot speak: ${error.message}`);
  }
  callerSpeaking = null;
  $('caller').setAttribute('aria-pressed', 'false');
  $('caller').textContent = 'Let the simulated caller speak';
}

function setupError(text) {
  $('setup-error').textContent = text ?? '';
  $('setup-error').hidden = !text;
}
