// What the states of a delivery mean to people: tone for the colour, text for the pill.

export const DELIVERY = {
  scheduled: ['waiting', 'on its way to N8N'],
  posting: ['waiting', 'on its way to N8N'],
  retrying: ['waiting', 'N8N did not take it: trying again'],
  acknowledged: ['good', 'delivered to N8N'],
  unconfirmed: ['good', 'sent to N8N, not confirmed'],
  superseded: ['none', 'replaced by a newer revision'],
  parked: ['bad', 'held: N8N refuses our credentials'],
  dead: ['bad', 'not delivered'],
  erased: ['none', 'erased before it was sent'],
};

/** N8N's answer in a few words: the status of a JSON answer, or the text as it came. */
export function answerWords(answer) {
  try {
    const { status } = JSON.parse(answer);
    if (typeof status === 'string') return status;
  } catch {
    // not JSON: shown as it is
  }
  return answer.length > 160 ? `${answer.slice(0, 160)}…` : answer;
}
