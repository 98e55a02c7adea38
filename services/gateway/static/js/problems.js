// What is wrong, for people: readiness of the services, and what happened to this call.

const POLL_MS = 10_000;

export class Problems {
  constructor(list) {
    this.list = list;
    this.items = new Map();
  }

  /** Shows a problem once for its code; a null text takes it away. */
  set(code, text, level = 'error') {
    const old = this.items.get(code);
    if (!text) {
      old?.remove();
      this.items.delete(code);
      return;
    }
    const item = old ?? document.createElement('li');
    item.className = `problem ${level}`;
    if (item.textContent !== text) item.textContent = text;
    if (!old) this.list.append(item);
    this.items.set(code, item);
  }

  clear(prefix) {
    for (const code of [...this.items.keys()]) if (code.startsWith(prefix)) this.set(code, null);
  }

  /** Asks the gateway again and again what does not work. */
  async watch() {
    for (;;) {
      await this.check();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async check() {
    let health;
    try {
      health = await fetch('/readyz').then((response) => response.json());
    } catch {
      this.set('ready:gateway', 'The server does not answer. Is it still running?');
      return;
    }
    const level = health.status === 'unavailable' ? 'error' : 'warning';
    const reasons = health.reasons ?? {};
    for (const code of [...this.items.keys()]) {
      if (code.startsWith('ready:') && !(code.slice('ready:'.length) in reasons)) this.set(code, null);
    }
    for (const [name, text] of Object.entries(reasons)) this.set(`ready:${name}`, text, level);
  }
}
