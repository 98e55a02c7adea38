// Which language a text is in, by its script, for the `lang` attribute: fonts, line breaks and
// screen readers go by it.

// Of every language with a script of its own: [lang, first code point, last code point].
const SCRIPTS = JSON.parse(document.getElementById('scripts').textContent);

/** `lang` of a text; `likely`, a language's code, decides between languages of one script. */
export function langOf(text, likely) {
  const wished = (likely ?? '').split('-')[0];
  const counts = new Map(); // by a script's first code point
  for (const letter of text) {
    const point = letter.codePointAt(0);
    const script = SCRIPTS.find(([, first, last]) => point >= first && point <= last);
    if (script) counts.set(script[1], (counts.get(script[1]) ?? 0) + 1);
  }
  if (!counts.size) return 'en';
  const most = [...counts].sort((a, b) => b[1] - a[1])[0][0];
  const readers = SCRIPTS.filter(([, first]) => first === most).map(([lang]) => lang);
  return readers.includes(wished) ? wished : readers[0];
}
