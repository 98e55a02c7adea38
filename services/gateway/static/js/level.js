// How loud somebody is, from the audio itself, drawn as the ring around the orb.

import { createAudioAnalyser } from '/static/vendor/livekit-client.mjs';

export class Level {
  constructor(orb) {
    this.orb = orb;
    this.analysers = new Map();
    this.running = false;
  }

  /** Adds a LiveKit audio track; the ring shows the loudest of all. */
  listen(track) {
    this.forget(track);
    this.analysers.set(track, createAudioAnalyser(track, { cloneTrack: false, smoothingTimeConstant: 0.6 }));
    if (!this.running) {
      this.running = true;
      requestAnimationFrame(() => this.#draw());
    }
  }

  forget(track) {
    this.analysers.get(track)?.cleanup();
    this.analysers.delete(track);
  }

  stop() {
    for (const track of [...this.analysers.keys()]) this.forget(track);
  }

  #draw() {
    const volumes = [...this.analysers.values()].map((analyser) => analyser.calculateVolume());
    this.orb.style.setProperty('--level', Math.max(0, ...volumes).toFixed(2));
    this.running = this.analysers.size > 0;
    if (this.running) requestAnimationFrame(() => this.#draw());
  }
}
