// A connection to a namespace of the server. An event can come before the server's word that we are connected: a room is
// joined on its side first, and another may speak there at that moment. Such events are queued, and handled once
// what is done at a connection has been begun.
import { io } from '../vendor/socket.io.esm.min.js';

/**
 * Return `{ socket, hear, arrived }`. Nothing is connected before `socket.connect()`.
 *
 * `hear(event, handler)` handles what the server pushes; `arrived(handler)` is run at each connection, before that.
 */
export function line(namespace, options = {}) {
  const socket = io(namespace, { transports: ['websocket'], autoConnect: false, ...options });
  const handlers = [];
  let ready = false;
  let early = [];
  socket.on('connect', () => {
    for (const handler of handlers) handler();
    ready = true;
    const waiting = early;
    early = [];
    for (const handle of waiting) handle();
  });
  socket.on('disconnect', () => { ready = false; early = []; });
  return {
    socket,
    arrived: (handler) => handlers.push(handler),
    hear: (event, handler) => socket.on(event, (payload) => (ready ? handler(payload) : early.push(() => handler(payload)))),
  };
}

/** Connect, if it is not; rejects when there is no connection in time. */
export function connect(socket, within) {
  if (socket.connected) return Promise.resolve();
  socket.connect();
  return new Promise((done, failed) => {
    const late = setTimeout(() => failed(new Error('late')), within);
    socket.once('connect', () => { clearTimeout(late); done(); });
  });
}
