// The lead as it fills, and what N8N says to it.

import { DELIVERY, answerWords } from './delivery-words.js';
import { langOf } from './scripts.js';

const DESTINATION = 'lead-capture';
const FINAL = new Set(['acknowledged', 'unconfirmed', 'parked', 'dead']);
const CONTACT = { name: 'Name', phone: 'Phone', email: 'E-mail' };

export class Lead {
  constructor({ fields, state, progress, empty, deliveries }) {
    Object.assign(this, { fields, state, progress, empty, deliveries });
    this.reset();
  }

  reset() {
    this.asked = [];
    this.values = new Map();
    this.labels = new Map();
    this.id = null;
    this.revision = 0;
    this.complete = false;
    this.postable = false;
    this.delivery = null;
    this.fields.replaceChildren();
    this.deliveries.replaceChildren();
    this.empty.hidden = false;
    this.progress.hidden = true;
    this.#show('none', 'nothing yet');
  }

  /** What the agent will ask: [{key, question, required}]. */
  expect(questions) {
    this.asked = questions.filter((question) => question.required).map((question) => question.key);
    for (const { key, question } of questions) {
      this.labels.set(key, label(key, question));
      if (!this.#row(key)) this.#addRow(key);
    }
    this.empty.hidden = true;
    this.#count();
  }

  /** A lead entry of the log: `changed` holds the fields that this revision brought. */
  changed(entry) {
    this.id = entry.lead_id;
    this.revision = entry.revision;
    this.complete = entry.complete;
    for (const [key, value] of Object.entries(entry.changed ?? {})) this.#fill(key, value);
    this.empty.hidden = true;
    this.#count();
    this.#show('captured', entry.complete ? 'captured, complete' : 'captured');
  }

  /** A delivery entry of the log. Of older revisions only the history tells, of what goes elsewhere nothing. */
  delivered(entry) {
    if (entry.destination !== DESTINATION || entry.subject !== this.id) return;
    const [tone, text] = DELIVERY[entry.state] ?? ['none', entry.state];
    this.#history(entry, text);
    if (entry.revision < this.revision || entry.state === 'superseded') return;
    this.delivery = entry;
    this.#show(tone, text);
  }

  /** Whether nothing more is to come once the call is over. */
  get settled() {
    if (!this.id) return true;
    return this.delivery !== null && this.delivery.revision === this.revision && FINAL.has(this.delivery.state);
  }

  #fill(key, value) {
    const row = this.#row(key) ?? this.#addRow(key);
    const shown = value === null || value === '' ? 'not known' : String(value);
    const element = row.querySelector('dd');
    element.textContent = shown;
    element.lang = langOf(shown);
    row.className = 'known fresh';
    this.values.set(key, value);
  }

  #addRow(key) {
    const row = document.createElement('div');
    row.dataset.key = key;
    const term = document.createElement('dt');
    const text = this.labels.get(key) ?? label(key, '');
    term.textContent = text;
    term.lang = langOf(text);
    const value = document.createElement('dd');
    value.textContent = 'not yet asked';
    row.append(term, value);
    this.fields.append(row);
    return row;
  }

  #row(key) {
    return this.fields.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  #count() {
    const known = this.asked.filter((key) => this.values.has(key)).length;
    this.progress.hidden = !this.asked.length;
    this.progress.max = this.asked.length || 1;
    this.progress.value = known;
    this.progress.textContent = `${known} of ${this.asked.length}`;
  }

  #history(entry, text) {
    const item = document.createElement('li');
    const when = new Date(entry.at_ms ?? Date.now()).toLocaleTimeString();
    const status = entry.status ? ` (${entry.status})` : '';
    item.textContent = `${when} revision ${entry.revision}: ${text}${status}`;
    if (entry.answer) {
      const answer = document.createElement('span');
      answer.className = 'answer';
      answer.textContent = `N8N says: ${answerWords(entry.answer)}`;
      item.append(answer);
    }
    this.deliveries.append(item);
  }

  #show(tone, text) {
    this.state.dataset.state = tone;
    this.state.textContent = text;
  }
}

// A key that says something is the better label (property_type); q1 and its kin say nothing.
function label(key, question) {
  if (CONTACT[key]) return CONTACT[key];
  if (/^q\d+$/.test(key) && question) return question;
  const words = key.replaceAll('_', ' ');
  return words[0].toUpperCase() + words.slice(1);
}
