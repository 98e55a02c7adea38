// The console: calls and leads, again and again; one call live; dead letters sent again by a click.

import { ApiError, request } from './api.js';
import { CallView } from './console-call.js';
import { DELIVERY, answerWords } from './delivery-words.js';
import { Problems } from './problems.js';
import { langOf } from './scripts.js';

const REFRESH_MS = 3000;
const KEY = 'bolchaal-key';

const $ = (id) => document.getElementById(id);
const problems = new Problems($('problems'));
const view = new CallView({ card: $('one'), title: $('one-title'), facts: $('one-facts'), log: $('one-log') }, apiKey);
let wanted = ''; // which leads: all, or `dead`
let timer = null;

problems.watch();
open();

$('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, $('key').value.trim());
  open();
});
$('one-close').addEventListener('click', () => view.close());
for (const button of document.querySelectorAll('.filter button')) {
  button.addEventListener('click', () => {
    wanted = button.dataset.state;
    for (const other of document.querySelectorAll('.filter button')) other.setAttribute('aria-pressed', String(other === button));
    refresh();
  });
}

function apiKey() {
  return sessionStorage.getItem(KEY) ?? undefined;
}

// Without a key the console works where the server needs none: on the machine itself.
async function open() {
  clearInterval(timer);
  if (!(await refresh())) return;
  $('key-card').hidden = true;
  $('console').hidden = false;
  timer = setInterval(refresh, REFRESH_MS);
}

async function refresh() {
  try {
    const query = wanted ? `?state=${wanted}` : '';
    const [calls, leads] = await Promise.all([
      request('/api/v1/calls', { key: apiKey() }),
      request(`/api/v1/leads${query}`, { key: apiKey() }),
    ]);
    rows($('calls'), $('calls-empty'), calls.calls, callRow);
    rows($('leads'), $('leads-empty'), leads.leads, leadRow);
    problems.set('console', null);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) askForKey();
    else problems.set('console', error.message);
    return false;
  }
}

function askForKey() {
  const tried = apiKey() !== undefined;
  sessionStorage.removeItem(KEY);
  clearInterval(timer);
  $('console').hidden = true;
  $('key-card').hidden = false;
  $('key-error').hidden = !tried;
  $('key-error').textContent = 'That is not the key.';
  $('key').focus();
}

// Rows are replaced only when they changed, so that focus and selection stay where they are.
function rows(body, empty, items, make) {
  empty.hidden = items.length > 0;
  const old = new Map([...body.children].map((row) => [row.dataset.id, row]));
  const next = items.map((item) => {
    const shown = JSON.stringify(item);
    const known = old.get(idOf(item));
    if (known?.dataset.shown === shown) return known;
    const row = make(item);
    row.dataset.id = idOf(item);
    row.dataset.shown = shown;
    return row;
  });
  if (next.length !== body.children.length || next.some((row, at) => row !== body.children[at])) body.replaceChildren(...next);
}

const idOf = (item) => item.captured_at ? item.lead_id : item.call_id;

function callRow(call) {
  const open = button(when(call.created_at), 'link', () => view.show(call));
  open.setAttribute('aria-label', `Show the call of ${when(call.created_at)}`);
  return row(open, call.agent_id, call.language, length(call.duration_ms), state(call));
}

function leadRow(lead) {
  const delivery = lead.delivery ?? null;
  const [tone, text] = delivery ? (DELIVERY[delivery.state] ?? ['none', delivery.state]) : ['captured', lead.complete ? 'captured, complete' : 'captured'];
  const shown = document.createElement('div');
  shown.append(pill(tone, text));
  const why = [delivery?.status, delivery?.answer && answerWords(delivery.answer)].filter(Boolean).join(': ');
  if (why && tone !== 'good') shown.append(element('span', 'why', why));
  const again = ['dead', 'parked'].includes(delivery?.state) ? button('Send again', '', (event) => replay(lead, event.target)) : '';
  return row(when(lead.captured_at), lead.name ?? '', lead.phone ?? '', lead.agent_id, shown, again);
}

async function replay(lead, pressed) {
  pressed.disabled = true;
  pressed.textContent = 'Sending';
  try {
    await request(`/api/v1/leads/${lead.lead_id}/replay`, { method: 'POST', key: apiKey() });
    await refresh();
  } catch (error) {
    problems.set('replay', `The lead was not sent again: ${error.message}`);
    pressed.disabled = false;
    pressed.textContent = 'Send again';
  }
}

function state(call) {
  if (call.state !== 'ended') return pill('captured', call.state === 'active' ? 'live' : 'ringing');
  if (call.outcome === 'lead_complete') return pill('good', 'lead complete');
  if (call.outcome === 'lead_partial') return pill('waiting', 'partial lead');
  return pill('none', call.how === 'never_joined' ? 'nobody joined' : 'no lead');
}

function row(...cells) {
  const made = document.createElement('tr');
  for (const cell of cells) {
    const td = document.createElement('td');
    td.append(cell);
    if (typeof cell === 'string' && cell) {
      td.lang = langOf(cell);
      if (/^[\d+:., ]+$/.test(cell)) td.className = 'number';
    }
    made.append(td);
  }
  return made;
}

function pill(tone, text) {
  const made = element('span', 'pill', text);
  made.dataset.state = tone;
  return made;
}

function button(text, className, act) {
  const made = element('button', className, text);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function when(moment) {
  return new Date(moment).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' });
}

function length(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return '';
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
