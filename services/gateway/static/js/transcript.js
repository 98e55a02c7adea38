// The transcript: finished turns come from the call's log; until then a turn stands as it is heard.

import { langOf } from './scripts.js';

const NEAR_END_PX = 100; // the list follows the talk only for a reader who is this near to its end

export class Transcript {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.live = new Map(); // segment id -> item
    this.agentName = 'Agent';
    this.language = '';
  }

  clear() {
    this.list.replaceChildren();
    this.live.clear();
    this.empty.hidden = false;
  }

  /** Words of a turn that is still going on; a later call for the same segment replaces them. */
  heard(who, segment, text) {
    if (!text.trim()) return;
    let item = this.live.get(segment);
    if (!item) {
      item = this.#item(who);
      item.classList.add('live');
      // Only finished turns are read out: words that still change would be read again and again.
      item.setAttribute('aria-hidden', 'true');
      this.live.set(segment, item);
    }
    this.#say(item, text);
    this.#keepInView(() => {
      if (!item.isConnected) this.#add(item);
    });
  }

  /** A finished turn of the log: it takes the place of what was heard of it. */
  turn(entry) {
    const item = this.#item(entry.who);
    const notes = [];
    if (entry.typed) notes.push('typed');
    if (entry.interrupted) notes.push('interrupted');
    if (entry.latency?.e2e_ms) notes.push(`answered in ${(entry.latency.e2e_ms / 1000).toFixed(1)} s`);
    item.querySelector('.name').append(...notes.map(small));
    this.#say(item, entry.text, entry.language);
    this.#keepInView(() => {
      const first = this.#dropLive(entry.who);
      if (first) first.before(item);
      else this.#add(item);
      if (first) first.remove();
    });
  }

  note(text, level = 'info') {
    const item = document.createElement('li');
    item.className = `turn note ${level}`;
    item.textContent = text;
    this.#keepInView(() => this.#add(item));
  }

  /** What the agent and the caller have said so far, finished turns only. */
  said(who) {
    return [...this.list.querySelectorAll(`.turn.${who}:not(.live) .text`)].map((e) => e.textContent);
  }

  // Removes what was heard of `who`; the first such item stays for the caller to replace.
  #dropLive(who) {
    let first = null;
    for (const [segment, item] of this.live) {
      if (!item.classList.contains(who)) continue;
      this.live.delete(segment);
      if (first) item.remove();
      else if (item.isConnected) first = item;
    }
    return first;
  }

  #item(who) {
    const item = document.createElement('li');
    item.className = `turn ${who}`;
    const name = document.createElement('div');
    name.className = 'name';
    const strong = document.createElement('strong');
    strong.textContent = who === 'agent' ? this.agentName : 'You';
    strong.lang = langOf(strong.textContent, this.language);
    name.append(strong);
    const text = document.createElement('div');
    text.className = 'text';
    item.append(name, text);
    return item;
  }

  #say(item, text, language) {
    const element = item.querySelector('.text');
    element.textContent = text;
    element.lang = langOf(text, language || this.language);
  }

  #add(item) {
    this.empty.hidden = true;
    this.list.append(item);
  }

  #keepInView(change) {
    const { list } = this;
    const following = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    change();
    if (following) list.scrollTop = list.scrollHeight;
  }
}

function small(text) {
  const element = document.createElement('span');
  element.textContent = `· ${text}`;
  return element;
}
