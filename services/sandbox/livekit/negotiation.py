"""Offers of one participant, answered: the publishing and the listening half in one description."""

import json

from livekit.protocol.rtc import SessionDescription, SignalResponse, TrickleRequest
from loguru import logger

from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.peer import State
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.sdp import (
    BadOffer,
    Offer,
    Section,
    SectionAnswer,
    candidate_line,
    parse_candidate,
    parse_offer,
    write_answer,
)


async def answer(room: Room, participant: Participant, description: SessionDescription) -> None:
    """Answer an offer, then let the room know of the tracks that came and went with it."""
    try:
        offer = parse_offer(description.sdp)
    except BadOffer as error:
        logger.warning("{}: {}", participant.identity, error)
        return
    first = not participant.negotiated
    await participant.link.accept(offer)
    if participant.gone:
        return
    publisher, subscriber = participant.publisher, participant.subscriber
    given_up = publisher.given_up(offer.sections)
    publisher.match(offer.sections)
    answers = _answers(participant, offer)
    transport = participant.link.transport
    if first:  # the candidates follow one by one
        transport.candidates = ()
    reply = SessionDescription(
        type="answer",
        sdp=write_answer(offer, answers, transport),
        id=description.id,
        mid_to_track_id=subscriber.mid_to_track_id,
    )
    participant.negotiated = True
    participant.send(SignalResponse(answer=reply))
    if first:
        _trickle(participant, offer)
    if participant.link.connected:
        subscriber.report_subscribed()
    if participant.info.state == State.ACTIVE:
        for track in publisher.held_back:
            room.exchange.on_live(participant, track)
    for track in given_up:
        room.exchange.on_given_up(participant, track)
    if subscriber.lacks_sections:
        subscriber.ask(room.timings.renegotiate_delay)


def _answers(participant: Participant, offer: Offer) -> list[SectionAnswer]:
    publisher = participant.publisher
    listening = [s for s in offer.sections if _listens(s) and not publisher.was_used(s.mid)]
    heard = participant.subscriber.answer(listening)
    return [heard.get(s.mid) or publisher.answer(s) for s in offer.sections]


def _listens(section: Section) -> bool:
    return section.kind in ("audio", "video") and section.direction == "recvonly"


def _trickle(participant: Participant, offer: Offer) -> None:
    """The candidates, as clients expect them from the real server after its first answer."""
    mid = offer.sections[0].mid
    username, _ = participant.link.ice.local
    for candidate in participant.link.ice.candidates:
        init = {
            "candidate": candidate_line(candidate),
            "sdpMid": mid,
            "sdpMLineIndex": 0,
            "usernameFragment": username,
        }
        participant.send(SignalResponse(trickle=TrickleRequest(candidateInit=json.dumps(init))))


async def add_candidate(participant: Participant, trickle: TrickleRequest) -> None:
    """One of the client's; those that are of no use are passed over."""
    try:
        init = json.loads(trickle.candidateInit)
        candidate = parse_candidate(init.get("candidate") or "")
    except (ValueError, AttributeError):
        logger.warning("{}: unreadable candidate", participant.identity)
        return
    if candidate is not None:
        await participant.link.ice.add_remote(candidate)
