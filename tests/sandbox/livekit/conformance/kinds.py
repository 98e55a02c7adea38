"""Kinds of messages, and which of them have an order among each other."""


def _kinds(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATE = _kinds(
    "join reconnect track_published update request_response mute track_unpublished leave "
    "subscription_permission_update"
)
NEGOTIATION = _kinds(
    "join reconnect subscription_permission_update media_sections_requirement answer leave"
)
GROUPS = (STATE, NEGOTIATION, _kinds("track_subscribed"), frozenset(("WS refused",)))
"""Within a group order counts. Between an answer and the updates that follow it, it is chance."""

BROWSER_GROUPS = (STATE, _kinds("answer"), _kinds("media_sections_requirement"), *GROUPS[2:])
"""A browser offers when it gets to it, which may be before or after it is asked to."""

FREE = _kinds(
    "trickle pong pong_resp speakers_changed connection_quality room_update refresh_token ws-ping "
    "ws-pong ws-eof"
)
CLIENT = _kinds(
    "participant_connected participant_disconnected track_published track_subscribed "
    "track_unsubscribed track_unpublished track_muted track_unmuted data_received text_stream "
    "disconnected local_track_published local_track_subscribed participant_attributes_changed "
    "participant_metadata_changed participant_name_changed room_metadata_changed connect_failed "
    "first_loud_audio reconnecting reconnected"
)
PAGE = _kinds(
    "ConnectionStateChanged SignalConnected Connected SignalReconnecting Reconnecting Reconnected "
    "Disconnected ParticipantConnected ParticipantActive ParticipantDisconnected "
    "ParticipantAttributesChanged ParticipantMetadataChanged ParticipantNameChanged "
    "TrackPublished TrackUnpublished TrackSubscribed TrackUnsubscribed TrackMuted TrackUnmuted "
    "LocalTrackPublished LocalTrackUnpublished LocalTrackSubscribed DataReceived"
)
