// What the supervisors announce, until its end.
const english = document.documentElement.lang.startsWith('en');

/** Show it, or nothing where it is over. What is said again is not read out again. */
export function drawAnnouncement(place, announcement, now) {
  const over = !announcement?.sr || (announcement.until && now >= Date.parse(announcement.until));
  const words = over ? '' : english ? announcement.en : announcement.sr;
  const line = place.querySelector('p');
  place.hidden = over;
  if (line.textContent !== words) line.textContent = words;
}
