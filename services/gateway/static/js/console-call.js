// One call in the console: its facts, and its log from the first entry on, live.

import { DELIVERY, answerWords } from './delivery-words.js';
import { follow } from './events.js';
import { langOf } from './scripts.js';

export class CallView {
  constructor(parts, apiKey) {
    Object.assign(this, parts);
    this.apiKey = apiKey;
    this.following = null;
  }

  show(call) {
    this.close();
    this.card.hidden = false;
    this.title.textContent = `Call ${call.call_id}`;
    this.title.focus();
    this.facts.replaceChildren(
      ...[
        ['Agent', call.agent_id],
        ['Language', call.language],
        ['Voice', call.voice],
        ['Agents so far', String(call.attempts)],
        ['Lead', call.lead_id],
      ].map(fact),
    );
    this.following = new AbortController();
    follow(`/api/v1/calls/${call.call_id}/events`, {
      key: this.apiKey(),
      signal: this.following.signal,
      on: { entry: (event) => this.#add(event.data, event.type) },
    });
  }

  close() {
    this.following?.abort();
    this.card.hidden = true;
    this.log.replaceChildren();
  }

  #add(entry, type) {
    const item = document.createElement('li');
    const time = document.createElement('time');
    time.textContent = new Date(entry.at_ms).toLocaleTimeString();
    const [kind, text] = words(entry, type);
    const said = cell(`said ${type}`, text);
    said.lang = langOf(text, entry.language);
    item.append(time, cell('kind', kind), said);
    const following = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    this.log.append(item);
    if (following) this.log.scrollTop = this.log.scrollHeight;
  }
}

function words(entry, type) {
  if (type === 'turn') return [entry.who, entry.text + (entry.interrupted ? ' (interrupted)' : '')];
  if (type === 'state') return ['state', entry.state];
  if (type === 'tool') return ['tool', `${entry.name} ${(entry.fields ?? []).join(', ')}${entry.ok ? '' : ` failed: ${entry.error ?? ''}`}`];
  if (type === 'lead') {
    const changed = Object.entries(entry.changed ?? {}).map(([key, value]) => `${key}: ${value}`);
    return ['lead', `revision ${entry.revision}${entry.complete ? ', complete' : ''}: ${changed.join(', ')}`];
  }
  if (type === 'delivery') {
    const answer = [entry.status, entry.answer && answerWords(entry.answer)].filter(Boolean).join(': ');
    return ['delivery', `${entry.destination}, revision ${entry.revision}: ${DELIVERY[entry.state]?.[1] ?? entry.state} ${answer && `(${answer})`}`];
  }
  if (type === 'ended') return ['ended', `${entry.how}, ${entry.outcome}, ${Math.round(entry.duration_ms / 1000)} s`];
  return [type, entry.text ?? ''];
}

function fact([term, value]) {
  const pair = document.createElement('div');
  const dt = document.createElement('dt');
  dt.textContent = term;
  const dd = document.createElement('dd');
  dd.textContent = value;
  pair.append(dt, dd);
  return pair;
}

function cell(className, text) {
  const made = document.createElement('span');
  made.className = className;
  made.textContent = text;
  return made;
}
