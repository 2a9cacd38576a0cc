import {Parley} from './parley.js';

const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const clean = name => name.trim().toLowerCase().replace(/[^a-z0-9_.-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);

function element(tag, className, text) {
	const made = document.createElement(tag);
	made.className = className;
	made.textContent = text; // never innerHTML: what others say is text
	return made;
}

// The connection. It comes back by itself, and what could not be said waits.

const TRANSPORTS = {sse: ['sse'], poll: ['poll']}[query.get('transport')] ?? ['websocket', 'sse', 'poll'];
const CONNECTED = {websocket: 'Connected', sse: 'Connected by events', poll: 'Connected by polls'};
const waiting = new Map(); // key -> {room, text, at}: said, and not yet heard back
let room, nick = '', chat;

function connect() {
	chat?.close();
	// From the first line that the room has kept: nothing of it is heard yet.
	const positions = {['room.' + room]: ''};
	const mine = chat = new Parley(begins => begins ? greet(mine) : here(), {transports: TRANSPORTS, positions});
	mine.addEventListener('state', event => { if (mine === chat) tell(event); });
	mine.addEventListener('close', ({code}) => { if (mine === chat && code === 4401) ask(); });
	mine.addEventListener('gap', ({reason}) => {
		if (mine === chat && reason === 'trimmed') note('Something was said meanwhile.');
	});
	mine.addEventListener('presence', ({members}) => {
		if (mine === chat) present([...new Set(members.values())].sort()); // one may have several pages
	});
	mine.addEventListener('open', () => { if (slow) mine.send({type: 'slow', on: true}); });
	for (const [type, handler] of Object.entries({welcome, line, typing: list})) mine.on(type, handler);
	for (const [key, said] of waiting) if (said.room === room) say(key, said.text);
	mine.connect().catch(() => {}); // it tells by its events
}

function here() { return `rooms/${room}`; }

/** Sees to it that the server knows us, before each handshake. */
async function greet(mine) {
	const name = await whoAmI();
	if (mine !== chat) throw new Error('somewhere else by now');
	if (!name) {
		mine.close(4401); // as the server does
		throw new Error('nobody is logged in');
	}
	nick = $('nick').textContent = localStorage.nick = name;
	return here();
}

function tell({state, retryAt}) {
	if (state === 'open') show('online', CONNECTED[chat.transport]);
	if (state === 'connecting') show('connecting', 'Connecting …');
	if (state === 'waiting' && retryAt) show('offline', `Offline, next try in ${Math.ceil((retryAt - Date.now()) / 1000)} s`);
}

/** Tells what is of no use later. */
function mention(message) { if (chat.state === 'open') chat.send(message); }

/** Says a line until the server has heard it. It knows lines by their keys, so none is heard twice. */
function say(key, text) {
	chat.request({type: 'line', key, text}, {resend: true, timeout: 0}).catch(({code, message}) => {
		if (code === 'closed') return; // it is said again in the next connection
		waiting.delete(key);
		$('line-' + key)?.remove();
		note(`“${text.slice(0, 40)}” was not said: ${message}`);
	});
}

function show(state, text) {
	document.body.dataset.state = state;
	$('state').textContent = text;
}

// Who we are. The server keeps its sessions in memory: a new one does not know us,
// so we give our name again, unless we have logged out.

async function whoAmI() {
	const answer = await fetch('login', {cache: 'no-store'});
	if (answer.ok) return answer.text();
	if (answer.status !== 401) throw new Error(answer.status);
	return localStorage.nick ? introduce(localStorage.nick) : '';
}

async function introduce(name) {
	const answer = await fetch('login', {method: 'POST', body: new URLSearchParams({name})});
	if (answer.status === 400) return ''; // no name at all
	if (!answer.ok) throw new Error(answer.status);
	return answer.text();
}

function ask() {
	show('anonymous', 'Not logged in');
	present([]);
	if (!$('login').open) $('login').showModal();
}

$('login').oncancel = event => event.preventDefault();
$('login').onsubmit = event => {
	event.preventDefault();
	localStorage.nick = $('name').value;
	$('login').close();
	$('text').focus();
	connect(); // introduces us, and tries again if that fails
};

$('logout').onclick = async () => {
	delete localStorage.nick;
	waiting.clear();
	await fetch('logout', {method: 'POST'}).catch(() => {}); // the server closes what we have open
};

// What the server says.

let heard = 0, seen, lost = 0, merged = 0; // the numbers of the last line and of the last list

function welcome({number, typing}) {
	heard = number; // what was said before comes now: that we miss nothing of it is not for us to see to
	seen = undefined;
	list(typing);
}

function line(said) {
	if (said.number > heard + 1) missed(said.number - heard - 1);
	heard = Math.max(heard, said.number);
	if (said.typingNumber > seen) mention({type: 'who'}); // lost as well
	hear(said);
}

function missed(lines) {
	lost += lines;
	$('lost').textContent = lost;
	note(lines === 1 ? 'One line was lost: this tab was too slow.' : `${lines} lines were lost: this tab was too slow.`);
}

function list({number, nicks}) {
	if (number <= seen) return;
	if (seen !== undefined) merged += number - seen - 1;
	$('merged').textContent = merged;
	seen = number;
	const others = nicks.filter(name => name !== nick);
	$('typing').textContent = others.length ? `${others.join(', ')} ${others.length > 1 ? 'are' : 'is'} typing …` : '';
}

function present(nicks) {
	const alone = $('alone');
	if (alone) alone.hidden = nicks.some(name => name !== nick);
	$('here').replaceChildren(...nicks.map(name => {
		const item = element('li', '', '');
		item.append(face(name), name + (name === nick ? ' (you)' : ''));
		return item;
	}));
}

function face(name) {
	let hue = 7;
	for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
	const made = element('div', 'face', [...name][0].toUpperCase());
	made.style.setProperty('--hue', hue);
	made.setAttribute('aria-hidden', 'true');
	return made;
}

// The log.

function hear(message) {
	const known = $('line-' + message.key);
	if (known) known.remove(); // it was ours, and waited
	waiting.delete(message.key);
	add(message);
	if (document.hidden) document.title = `(${++unheard}) #${room}`;
}

function add(message, isWaiting) {
	const mine = message.from === nick;
	const before = $('log').lastElementChild;
	const item = element('li', 'line' + (mine ? ' mine' : '') + (isWaiting ? ' waiting' : ''), '');
	item.id = 'line-' + message.key;
	item.dataset.from = message.from;
	item.classList.toggle('same', before?.dataset.from === message.from);
	const picture = face(message.from);
	item.style.setProperty('--hue', picture.style.getPropertyValue('--hue'));
	const who = element('div', 'who', '');
	const time = element('time', '', new Date(message.at).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'}));
	time.dateTime = message.at;
	who.append(element('b', '', message.from), time);
	item.append(who, picture, element('p', '', message.text));
	append(item);
}

function note(text) { append(element('li', 'note', text)); }

function append(item) {
	const log = $('log');
	const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
	log.append(item);
	while (log.children.length > 500) log.firstElementChild.remove();
	if (atEnd || item.classList.contains('mine')) log.scrollTop = log.scrollHeight;
}

let unheard = 0;
document.onvisibilitychange = () => {
	unheard = 0;
	document.title = `#${room} · Parley chat`;
};

// What the person does.

function decoded(text) {
	try { return decodeURIComponent(text); } catch { return text; }
}

function enter() {
	const wanted = decoded(location.hash.slice(1)).trim();
	room = clean(wanted) || 'lobby';
	if (wanted && wanted !== room) history.replaceState(null, '', '#' + room);
	const visited = new Set(['lobby', 'random', ...JSON.parse(localStorage.rooms || '[]'), room]);
	localStorage.rooms = JSON.stringify([...visited].slice(-20));
	$('title').textContent = '#' + room;
	document.title = `#${room} · Parley chat`;
	$('rooms').replaceChildren(...[...visited].map(name => {
		const link = element('a', '', '#' + name);
		link.href = '#' + name;
		if (name === room) link.setAttribute('aria-current', 'page');
		return link;
	}));
	heard = lost = merged = 0;
	$('lost').textContent = $('merged').textContent = 0;
	const alone = element('li', 'note', 'Nobody else around? Open this page in a private window and be somebody else.');
	alone.id = 'alone';
	$('log').replaceChildren(alone);
	if (wanted && wanted !== room) note(`“${wanted}” is called #${room} here.`);
	for (const [key, said] of waiting) if (said.room === room) add({key, from: nick, ...said}, true);
	connect();
	$('text').focus();
}

let typing = false, pause;
function types(on) {
	clearTimeout(pause);
	if (on) pause = setTimeout(types, 4000, false); // thinks
	if (on !== typing) mention({type: 'typing', on});
	typing = on;
}

$('text').oninput = () => types($('text').value !== '');

$('compose').onsubmit = event => {
	event.preventDefault();
	const text = $('text').value.trim();
	$('text').value = '';
	$('text').focus();
	if (!text) return;
	const key = [...crypto.getRandomValues(new Uint32Array(3))].map(n => n.toString(36)).join('');
	const said = {room, text, at: new Date().toISOString()};
	waiting.set(key, said);
	add({key, from: nick, ...said}, true);
	say(key, text);
	clearTimeout(pause);
	typing = false; // whoever has said something is done, for the server too
};

$('text').onkeydown = event => { // Enter sends, Shift+Enter begins a new line
	if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
	event.preventDefault();
	$('compose').requestSubmit();
};

$('join').onsubmit = event => {
	event.preventDefault();
	const name = $('room').value.trim();
	$('room').value = '';
	if (name) location.hash = encodeURIComponent(name); // enter tells if it can't be called so
	$('text').focus();
};

let slow = query.get('slow') === '1';
function dawdle() {
	$('slow').setAttribute('aria-pressed', slow);
	$('slowly').hidden = !slow;
}
$('slow').onclick = () => {
	slow = !slow;
	dawdle();
	mention({type: 'slow', on: slow});
};
dawdle();

$('retry').onclick = () => chat.connect().catch(() => {});
addEventListener('hashchange', enter);
enter();
