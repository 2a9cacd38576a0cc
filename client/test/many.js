// Has a client connect ten thousand times, and says what is left of it then. It runs by
// itself: what watches over tests keeps what they make.

import {getEventListeners} from 'node:events';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {Parley} from '../parley.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc'), sockets = [], abort = new AbortController();
let socket, failed = 0;

class Socket {
	readyState = 0;
	bufferedAmount = 0;
	protocol = '';

	constructor() {
		socket = this;
		sockets.push(new WeakRef(this));
		queueMicrotask(() => {
			this.readyState = 1;
			this.onopen();
		});
	}

	send() {}
	close() {}
}

const chat = new Parley('http://example.com/', {transports: ['websocket'], WebSocket: Socket});
await chat.connect();
while (sockets.length <= 10_000) {
	chat.request({type: 'x'}, {signal: abort.signal}).catch(() => failed++);
	socket.onclose({code: 1006, reason: ''});
	await chat.connect();
}
const alive = () => sockets.filter(one => one.deref()).length;
for (let tries = 0; tries < 50 && alive() > 1; tries++) {
	await new Promise(done => setTimeout(done, 20)); // what was looked at lives until then
	gc();
}
console.log(JSON.stringify({
	alive: alive(), failed, listeners: getEventListeners(abort.signal, 'abort').length,
	timers: process.getActiveResourcesInfo().filter(name => name === 'Timeout').length,
}));
chat.close();
