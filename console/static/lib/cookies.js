// What this browser remembers of how its user likes a page. Named as console/web/cookies.py does.
const YEAR = 31_536_000;
const https = location.protocol === 'https:';

export function remember(name, value) {
  const prefix = https ? '__Host-' : '';
  document.cookie = `${prefix}${name}=${value}; path=/; max-age=${value ? YEAR : 0}; samesite=lax${https ? '; secure' : ''}`;
}
