// A guest of the chat for its test: tells what it hears, a JSON object in each line.

import {Parley} from '../../../client/parley.js';

const [url, transport] = process.argv.slice(2);
const chat = new Parley(url, {
	transports: [transport], positions: {lobby: ''},
	backoffMin: 20, backoffMax: 200, remember: false,
});
const tell = news => console.log(JSON.stringify(news));

chat.on('line', ({text}, {position}) => tell({line: text, position}));
chat.addEventListener('gap', ({reason}) => tell({gap: reason}));
chat.addEventListener('open', () => tell({open: transport}));
chat.addEventListener('presence', ({members}) => {
	tell({here: [...members.values()].map(({name}) => name).sort()});
});
chat.addEventListener('close', ({code}) => tell({closed: code}));
chat.connect().catch(() => {});
process.stdin.on('end', () => process.exit()).resume();
