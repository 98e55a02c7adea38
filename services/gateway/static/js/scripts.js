// Which language a text is in, by its script, for the `lang` attribute: fonts, line breaks and
// screen readers go by it.

const BLOCKS = [
  [0x0900, 0x097f, 'hi'],
  [0x0980, 0x09ff, 'bn'],
  [0x0a00, 0x0a7f, 'pa'],
  [0x0a80, 0x0aff, 'gu'],
  [0x0b00, 0x0b7f, 'or'],
  [0x0b80, 0x0bff, 'ta'],
  [0x0c00, 0x0c7f, 'te'],
  [0x0c80, 0x0cff, 'kn'],
  [0x0d00, 0x0d7f, 'ml'],
];

/** `lang` of a text; `likely` (a code such as mr-IN) decides between languages of one script. */
export function langOf(text, likely) {
  const wished = (likely ?? '').split('-')[0];
  const counts = new Map();
  for (const letter of text) {
    const point = letter.codePointAt(0);
    const block = BLOCKS.find(([first, last]) => point >= first && point <= last);
    if (block) counts.set(block[2], (counts.get(block[2]) ?? 0) + 1);
  }
  if (!counts.size) return 'en';
  const script = [...counts].sort((a, b) => b[1] - a[1])[0][0];
  return script === 'hi' && wished === 'mr' ? 'mr' : script;
}
