// Runs in a page beside livekit-client: notes what the client says, and what its data channels carry.

const note = (channel, direction, kind, body) =>
  window.noteLine(JSON.stringify([channel, direction, kind, body ?? null]));

const base64 = (data) =>
  btoa(String.fromCharCode(...new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength)));

const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (label, options) {
  const channel = create.call(this, label, options);
  const send = channel.send;
  channel.send = function (data) {
    note('dc', 'c>s', label, base64(data));
    return send.call(this, data);
  };
  channel.addEventListener('message', (event) => note('dc', 's>c', label, base64(event.data)));
  return channel;
};

const tell = {
  ConnectionStateChanged: (state) => state,
  SignalConnected: () => null,
  Connected: () => null,
  SignalReconnecting: () => null,
  Reconnecting: () => null,
  Reconnected: () => null,
  Disconnected: (reason) => reason,
  ParticipantConnected: (p) => [p.identity, p.kind, p.attributes],
  ParticipantActive: (p) => p.identity,
  ParticipantDisconnected: (p) => p.identity,
  ParticipantPermissionsChanged: (_, p) => p.identity,
  ParticipantAttributesChanged: (changed, p) => [changed, p.identity],
  ParticipantMetadataChanged: (_, p) => [p.metadata, p.identity],
  ParticipantNameChanged: (name, p) => [name, p.identity],
  TrackPublished: (publication, p) => [publication.trackSid, p.identity],
  TrackUnpublished: (publication, p) => [publication.trackSid, p.identity],
  TrackSubscribed: (track, publication, p) => [track.kind, publication.trackSid, p.identity],
  TrackUnsubscribed: (_, publication, p) => [publication.trackSid, p.identity],
  TrackMuted: (_, p) => p.identity,
  TrackUnmuted: (_, p) => p.identity,
  LocalTrackPublished: (publication) => publication.trackSid,
  LocalTrackUnpublished: (publication) => publication.trackSid,
  LocalTrackSubscribed: (publication) => publication.trackSid,
  DataReceived: (data, p, kind, topic) => [
    new TextDecoder().decode(data), p?.identity ?? null, kind ?? 0, topic || null,
  ],
};

window.join = async (url, token) => {
  const room = (window.room = new LivekitClient.Room());
  for (const [name, describe] of Object.entries(tell))
    room.on(LivekitClient.RoomEvent[name], (...values) => note('sdk', '', name, describe(...values)));
  room.registerTextStreamHandler('lk.transcription', async (reader, { identity }) => {
    const { topic, attributes } = reader.info;
    note('sdk', '', 'text_stream', { topic, from: identity, text: await reader.readAll(), attributes });
  });
  room.registerRpcMethod('ping', async ({ payload }) => `pong:${payload}`);
  await room.connect(url, token);
};

window.act = async (label, work) => {
  try {
    note('sdk', '', `${label} ok`, (await work(window.room)) ?? null);
  } catch ({ name, message, code }) {
    note('sdk', '', `${label} ERROR`, { name, message, code });
  }
};
