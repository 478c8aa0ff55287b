// The line above a conversation: whose it is, whether they are verified, how the chat stands, what may be done with it.
import { element } from '../lib/elements.js';
import { icon } from '../lib/icons.js';
import { say } from '../lib/texts.js';
import { leads, named, one, root } from './page.js';
import { identity } from './store.js';

/** Draw the line above the conversation. */
export function drawHead(room) {
  const { chat } = room;
  const who = chat ? identity(chat) : { verified: false, name: room.number, wrote: '' };
  one('[data-name]').textContent = who.name;
  one('[data-badge-verified]').replaceChildren(...(room.isLive ? [badge(who)] : []));
  const wrote = who.wrote ? say('wrote_as', { name: who.wrote }) : '';
  const words = chat ? [wrote, stateWords(room)].filter(Boolean).join(' · ') : say('loading');
  Object.assign(one('[data-state-words]'), { textContent: words, title: words });
  drawActions(room);
  drawTicket(chat?.ticket);
}

const badge = ({ verified }) => element('span', verified ? 'badge badge-ok' : 'badge badge-line', icon(verified ? 'shield-check' : 'shield'), say(verified ? 'verified' : 'not_verified'));

/** Show what this person may do with the chat now. */
function drawActions(room) {
  const { chat, isLive, isMine } = room;
  const active = chat?.status === 'active';
  const visible = {
    claim: chat?.status === 'queued',
    'step-in': leads && active && !isMine,
    transfer: isLive && (isMine || leads),
    ticket: chat && !chat.ticket && chat.status !== 'ticketed' && (!active || isMine || leads),
    block: isLive && leads,
    close: active && (isMine || leads),
  };
  for (const [name, is] of Object.entries(visible)) {
    const button = one(`[data-head] [data-do="${name}"]`);
    if (button) button.hidden = !is;
  }
}

function drawTicket(number) {
  const link = one('[data-to-ticket]');
  link.hidden = !number;
  if (!number) return;
  link.href = root.dataset.tickets + number;
  link.lastChild.textContent = number;
}

function stateWords(room) {
  const { chat } = room;
  const whose = room.isMine ? say('you_lead') : chat.status === 'active' ? say('you_watch', { name: chat.assignee?.name ?? '—' }) : chat.status === 'queued' ? say('unassigned') : '';
  const here = room.isLive && room.online !== null ? say(room.online ? 'online' : 'offline') : '';
  return [say(chat.status), whose, named(chat.department), here].filter(Boolean).join(' · ');
}
